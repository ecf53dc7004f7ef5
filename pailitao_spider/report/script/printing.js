// on paper: the photo, what was asked, and a row an offer; of one photo or of all

const A_PHOTO = 200;
const OF_ALL = 10;
let isAll = false;

function askedText() {
  const names = { text: "text", seller: "seller", "min-price": "min_price", "max-price": "max_price", "max-moq": "max_moq", "max-landed": "max_landed", "min-similarity": "min_similarity", area: "area", shop: "shop_type", category: "category", change: "change", dropship: "dropship_only", factory: "factory_only" };
  return asked().map(([name, value]) => {
    const told = name === "seller" ? sellerName(value) : Array.isArray(value) ? value.join(" ") : value;
    return value === true ? say(names[name]) : `${say(names[name])}: ${told}`;
  }).join(" · ");
}

function paperRow(offer, seed) {
  const facts = ["price", "unit", "moq", ...(data.hasTerms ? ["landed", "margin"] : []), "postage", "sales", "seller", "area"].filter((name) => USED.includes(name));
  return element("tr", {},
    element("td", { className: "thumb" }, picture(offer.picture, "")),
    element("td", {}, `${ticks.has(offer.id) ? "✓ " : ""}${titleText(offer)}`, element("br", {}), element("small", {}, offer.id)),
    element("td", {}, likeness(offer, seed) === null ? UNKNOWN : percent(likeness(offer, seed))),
    ...facts.map((name) => element("td", {}, FACTS[name].text(offer, seed) ?? UNKNOWN)));
}

function paperOf(seed, most) {
  const all = seed >= 0 ? data.seeds[seed].found.map((number) => offers[number]) : source();
  const { fitting } = sifted(all, seed);
  const list = sorted(fitting, seed).slice(0, most);
  const name = seed >= 0 ? seedName(data.seeds[seed]) : say(seed === ALL ? "all_photos" : "shortlist");
  const names = ["price", "unit", "moq", ...(data.hasTerms ? ["landed", "margin"] : []), "postage", "sales", "seller", "area"].filter((each) => USED.includes(each));
  return element("section", {},
    element("div", { className: "paper-head" }, seed >= 0 ? picture(data.seeds[seed].picture, "") : null,
      element("div", {}, element("h2", {}, name), element("p", {}, say("count", { found: fitting.length, all: all.length }), fitting.length > list.length ? ` · ${say("shown", { count: list.length })}` : ""),
        element("p", {}, factsOf(fitting)), element("p", {}, askedText()), element("p", {}, `${say("sort")}: ${say(`fact_${byId("sort").value}`)}`))),
    element("table", {}, element("thead", {}, element("tr", {}, element("th", {}), element("th", {}, say("fact_title")), element("th", {}, say("fact_similarity")), ...names.map((each) => element("th", {}, say(`fact_${each}`))))),
      element("tbody", {}, ...list.map((offer) => paperRow(offer, seed)))));
}

function layPaper() {
  if (byId("offers").hidden) return;
  const seeds = isAll ? data.seeds.map((_, number) => number).filter((number) => data.seeds[number].found.length) : [state.seed];
  byId("paper").replaceChildren(...seeds.map((seed) => paperOf(seed, isAll ? OF_ALL : A_PHOTO)));
  for (const image of document.querySelectorAll("#paper img")) image.loading = "eager";
  document.body.classList.add("on-paper");
}

function takePaper() {
  byId("paper").replaceChildren();
  document.body.classList.remove("on-paper");
  isAll = false;
}

function printAll() {
  isAll = true;
  window.print();
}
