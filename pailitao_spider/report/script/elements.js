// elements: text is always text

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((each) => each !== null));
  return made;
}

function shape(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function picture(number, text, none = "none") {
  const source = number === null ? null : data.pictures[number];
  const blank = () => element("span", { className: none, ariaHidden: "true" }, "·");
  if (!source || !/^(data:image\/jpeg;base64,|https:\/\/)/.test(source)) return blank();
  const image = element("img", { alt: text, loading: "lazy", decoding: "async", referrerPolicy: "no-referrer" });
  image.addEventListener("error", () => image.replaceWith(blank()));
  image.src = source;
  return image;
}
