function seedFigure(fitting) {
  const figure = byId("seed");
  const seed = state.seed >= 0 ? data.seeds[state.seed] : null;
  const name = seed ? seedName(seed) : say(state.seed === ALL ? "all_photos" : "shortlist");
  const caption = element("figcaption", {}, name, element("span", { className: "quiet" }, factsOf(fitting)));
  if (seed && seed.reason) caption.append(element("span", { className: "reason" }, `${say(`status_${seed.status}`)}: ${seed.reasonWord ? say(seed.reasonWord, { told: seed.reason }) : seed.reason}`));
  caption.append(...histogram(fitting));
  figure.replaceChildren(...(seed ? [picture(seed.picture, name)] : []), caption);
  figure.classList.toggle("plain", !seed);
}

function factsOf(fitting) {
  const prices = fitting.map((offer) => offer.low).filter((low) => low > 0).sort((a, b) => a - b);
  const alike = fitting.map(likeness).filter((each) => each !== null);
  const middle = (prices.length - 1) / 2;
  const median = prices.length ? yuan(((prices[Math.floor(middle)] + prices[Math.ceil(middle)]) / 2).toFixed(2)) : "";
  const least = alike.reduce((a, b) => Math.min(a, b), 1);
  const most = alike.reduce((a, b) => Math.max(a, b), 0);
  const [low, high] = [percent(least), percent(most)];
  const parts = [say("facts_count", { count: fitting.length })];
  if (prices.length) parts.push(say("facts_median", { median }));
  if (alike.length) parts.push(say("facts_similarity", { span: low === high ? low : `${low}–${high}` }));
  return parts.join(" · ");
}

function histogram(fitting) {
  const prices = fitting.map((offer) => offer.low).filter((low) => low > 0);
  if (prices.length < 2) return [];
  const low = Math.log(prices.reduce((a, b) => Math.min(a, b)) * 0.99);
  const high = Math.log(prices.reduce((a, b) => Math.max(a, b)) * 1.01);
  const bins = 24;
  const counts = new Array(bins).fill(0);
  for (const price of prices) counts[Math.min(bins - 1, Math.floor((bins * (Math.log(price) - low)) / (high - low)))] += 1;
  const most = Math.max(...counts);
  const end = (log) => yuan(Math.exp(log).toFixed(2));
  const edge = (place) => end(low + ((high - low) * place) / bins);
  const bars = counts.map((count, place) => shape("rect", { class: "bar", x: place * 10, width: 9, y: 44 - (44 * count) / most, height: (44 * count) / most, rx: 1 }, shape("title", {}, `${count}: ${edge(place)}–${edge(place + 1)}`)));
  const label = (x, anchor, text) => shape("text", { x, y: 60, "text-anchor": anchor, "font-size": 11 }, text);
  return [shape("svg", { viewBox: "0 0 240 64", role: "img", "aria-label": say("facts_prices") }, ...bars, label(0, "start", edge(0)), label(240, "end", edge(bins)))];
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
  const words = byId("seed-text").value.toLowerCase().trim();
  const fitting = data.seeds.map((seed, number) => [seed, number]).filter(([seed]) => seedName(seed).toLowerCase().includes(words));
  const rows = fitting.slice(0, SEEDS_LISTED).map(([seed, number]) => seedButton(number, seedName(seed), seed.offers, picture(seed.picture, ""), seed.status === "done" ? "" : seed.status));
  const more = fitting.length - rows.length;
  byId("seeds").replaceChildren(
    seedButton(ALL, say("all_photos"), offers.length, sign("∗")),
    seedButton(TICKED, say("shortlist"), ticked.size, sign("✓")),
    ...rows,
    ...(more > 0 ? [element("li", { className: "quiet" }, say("more_photos", { count: more }))] : []));
}

function choose(number) {
  state.seed = number;
  state.page = 0;
  show();
  listSeeds();
  document.querySelector(`#seeds [data-seed="${number}"]`)?.focus({ preventScroll: true });
}

function askSeller(name) {
  byId("text").value = name;
  view("offers");
  choose(ALL);
  byId("text").focus();
}
