function seedFigure(fitting) {
  const figure = byId("seed");
  const seed = state.seed >= 0 ? data.seeds[state.seed] : null;
  const name = seed ? seedName(seed) : say(state.seed === ALL ? "all_photos" : "shortlist");
  const caption = element("figcaption", {}, name, element("span", { className: "quiet" }, factsOf(fitting)));
  if (seed && seed.sellPrice !== null) caption.append(element("span", { className: "quiet" }, say("sold_at", { price: unitMoney(seed.sellPrice) })));
  if (seed && seed.reason) caption.append(element("span", { className: "reason" }, `${say(`status_${seed.status}`)}: ${seed.reasonWord ? say(seed.reasonWord, { told: seed.reason }) : seed.reason}`));
  caption.append(...histogram(fitting));
  figure.replaceChildren(...(seed ? [boxed(picture(seed.picture, name), seed)] : []), caption);
  figure.classList.toggle("plain", !seed);
}

// the parts of a photo that were searched, each `x1,x2,y1,y2` in its pixels

function boxed(image, seed) {
  const regions = [...new Set(seed.found.map((number) => offers[number].region).filter(Boolean))].map((text) => text.split(",").map(Number));
  const fits = ([left, right, top, bottom]) => left < right && top < bottom && right <= seed.size[0] && bottom <= seed.size[1];
  if (!seed.size || !regions.length || !regions.every(fits)) return image;
  const [width, height] = seed.size;
  const boxes = regions.map(([left, right, top, bottom]) => shape("rect", { x: left, y: top, width: right - left, height: bottom - top, class: "region" }));
  return element("div", { className: "boxed" }, image, shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": say("regions", { count: regions.length }), preserveAspectRatio: "xMidYMid meet" }, ...boxes));
}

const pricesOf = (fitting) => fitting.map((offer) => (offer.currency === null ? amount(offer.price ?? offer.priceMin) : null) || offer.least).filter((price) => price > 0);

function factsOf(fitting) {
  const prices = pricesOf(fitting).sort((a, b) => a - b);
  const alike = fitting.map((offer) => likeness(offer)).filter((each) => each !== null);
  const middle = (prices.length - 1) / 2;
  const median = prices.length ? yuan((prices[Math.floor(middle)] + prices[Math.ceil(middle)]) / 2) : "";
  const least = alike.reduce((a, b) => Math.min(a, b), 1);
  const most = alike.reduce((a, b) => Math.max(a, b), 0);
  const [low, high] = [percent(least), percent(most)];
  const parts = [say("facts_count", { count: fitting.length })];
  if (prices.length) parts.push(say("facts_median", { median }));
  if (alike.length) parts.push(say("facts_similarity", { span: low === high ? low : `${low}–${high}` }));
  return parts.join(" · ");
}

function histogram(fitting) {
  const prices = pricesOf(fitting);
  if (prices.length < 2) return [];
  const [least, most] = [prices.reduce((a, b) => Math.min(a, b)), prices.reduce((a, b) => Math.max(a, b))];
  const [low, high] = [Math.log(least * 0.99), Math.log(most * 1.01)];
  const bins = 24;
  const counts = new Array(bins).fill(0);
  for (const price of prices) counts[Math.min(bins - 1, Math.floor((bins * (Math.log(price) - low)) / (high - low)))] += 1;
  const tallest = Math.max(...counts);
  const edge = (place) => yuan(Math.exp(low + ((high - low) * place) / bins));
  const bars = counts.map((count, place) => shape("rect", { class: "bar", x: place * 10, width: 9, y: 44 - (44 * count) / tallest, height: (44 * count) / tallest, rx: 1 }, shape("title", {}, `${count}: ${edge(place)}–${edge(place + 1)}`)));
  const label = (x, anchor, text) => shape("text", { x, y: 60, "text-anchor": anchor, "font-size": 11 }, text);
  return [shape("svg", { class: "prices", viewBox: "0 0 240 64", role: "img", "aria-label": say("facts_prices") }, ...bars, label(0, "start", yuan(least)), label(240, "end", yuan(most)))];
}

function seedButton(number, name, many, image, status) {
  const made = element("button", { type: "button", onclick: () => choose(number) },
    image, element("span", { className: "name", title: name }, name),
    element("span", { className: "many" }, ...(status ? [element("span", { className: `dot ${status}`, title: say(`status_${status}`) }), " "] : []), written(many)));
  made.dataset.seed = number;
  if (number === state.seed) made.setAttribute("aria-current", "true");
  return element("li", {}, made);
}

const sign = (text) => element("span", { className: "none", ariaHidden: "true" }, text);

function listSeeds() {
  const wanted = byId("seed-text").value.toLowerCase().trim();
  const fitting = data.seeds.map((seed, number) => [seed, number]).filter(([seed]) => seedName(seed).toLowerCase().includes(wanted));
  const rows = fitting.slice(0, SEEDS_LISTED).map(([seed, number]) => seedButton(number, seedName(seed), seed.offers, picture(seed.picture, ""), seed.status === "done" ? "" : seed.status));
  const more = fitting.length - rows.length;
  byId("seeds").replaceChildren(
    seedButton(ALL, say("all_photos"), offers.length, sign("∗")),
    seedButton(TICKED, say("shortlist"), ticks.size, sign("✓")),
    ...rows,
    ...(more > 0 ? [element("li", { className: "quiet" }, say("more_photos", { count: more }))] : []));
}

function choose(number) {
  state.seed = number;
  state.page = 0;
  state.open.clear();
  show();
  listSeeds();
  document.querySelector(`#seeds [data-seed="${number}"]`)?.focus({ preventScroll: true });
}

function askSeller(number) {
  state.seller = number;
  if (state.layout === "best") state.layout = "cards";
  view("offers");
  choose(ALL);
  byId("seller-chip").focus();
}
