const SEEDS_A_PAGE = 15;
let shown = [];

function show() {
  const all = source();
  const { fitting, unjudged, filters } = sifted(all);
  const list = sorted(fitting);
  if (state.layout === "best") showBest();
  else showOffers(list, all);
  byId("results").hidden = state.layout === "table";
  byId("table").hidden = state.layout !== "table";
  byId("choose-columns").hidden = state.layout !== "table";
  byId("group-alike").parentElement.hidden = state.layout === "best" || state.seed < 0;
  byId("results").className = state.layout === "best" ? "best-rows" : "grid";
  for (const button of document.querySelectorAll("[data-layout]")) button.setAttribute("aria-pressed", String(button.dataset.layout === state.layout));
  tellCount(list.length, all.length, unjudged);
  tellFilters(filters);
  countFacets(all);
  seedFigure(list);
  showTicks();
  rove();
  writeAddress();
}

function showOffers(list, all) {
  const entries = grouped(list);
  const pages = Math.max(1, Math.ceil(entries.length / PAGE));
  state.page = Math.min(state.page, pages - 1);
  const some = entries.slice(state.page * PAGE, (state.page + 1) * PAGE);
  shown = some.map(([offer]) => offer);
  const nothing = element("li", { className: "nothing" }, all.length ? say("none_found") : noneAtAll());
  byId("results").replaceChildren(...(state.layout === "table" ? [] : shown.length ? some.map(([offer, others]) => card(offer, others)) : [nothing]));
  byId("table").replaceChildren(...(state.layout === "table" ? [shown.length ? tableOf(shown) : element("p", { className: "nothing" }, nothing.textContent)] : []));
  byId("tick-page").parentElement.hidden = !shown.length;
  for (const id of ["pager-top", "pager-end"]) pager(byId(id), pages);
}

function showBest() {
  const seeds = bestSeeds();
  const pages = Math.max(1, Math.ceil(seeds.length / SEEDS_A_PAGE));
  state.page = Math.min(state.page, pages - 1);
  const some = seeds.slice(state.page * SEEDS_A_PAGE, (state.page + 1) * SEEDS_A_PAGE);
  shown = [...new Set(some.flatMap(bestOf))];
  byId("results").replaceChildren(...(some.length ? some.map(bestRow) : [element("li", { className: "nothing" }, noneAtAll())]));
  byId("table").replaceChildren();
  byId("tick-page").parentElement.hidden = !shown.length;
  for (const id of ["pager-top", "pager-end"]) pager(byId(id), pages);
}

function noneAtAll() {
  if (!offers.length) return say("no_offers");
  const elsewhere = state.seed >= 0 ? data.seeds[state.seed].elsewhere : null;
  return elsewhere === null ? say("none_at_all") : say("none_new", { count: elsewhere });
}

function tellCount(found, all, unjudged) {
  byId("count").replaceChildren(say("count", { found, all }), unjudged ? element("span", { className: "quiet" }, say("unjudged", { count: unjudged })) : "");
}

function tellFilters(filters) {
  byId("filter-count").textContent = filters;
  byId("filter-count").hidden = !filters;
  byId("similarity-shown").textContent = limit("min-similarity") ? `${limit("min-similarity")}%` : say("any");
  byId("direction").setAttribute("aria-pressed", String(state.isReversed));
  const chip = byId("seller-chip");
  chip.hidden = state.seller === null;
  chip.textContent = state.seller === null ? "✕" : say("of_seller_chip", { seller: sellerName(state.seller) });
}

const sellerName = (number) => data.sellers[number][1] || data.sellers[number][0];

function pager(box, pages) {
  const turn = (by, word) => {
    const made = element("button", { type: "button", disabled: state.page + by < 0 || state.page + by >= pages, onclick: () => turnTo(state.page + by) }, say(word));
    made.dataset.turn = word;
    return made;
  };
  box.hidden = pages === 1;
  box.replaceChildren(turn(-1, "previous"), element("span", {}, say("page", { page: state.page + 1, pages })), turn(1, "next"));
}

function turnTo(page) {
  state.page = page;
  show();
  byId("results").focus({ preventScroll: true });
  byId("results").parentElement.scrollIntoView({ block: "start" });
}

function refresh() {
  state.page = 0;
  show();
}

function setLayout(layout) {
  state.layout = layout;
  state.page = 0;
}

// facets: how many of what else fits

const FACETS = { area: (offer) => offer.area, shop: (offer) => offer.shop, category: (offer) => offer.category, change: (offer) => offer.change };

function countFacets(all) {
  for (const [id, read] of Object.entries(FACETS)) {
    const options = [...byId(id).options].filter((option) => option.value);
    if (!options.length) continue;
    const counts = new Map();
    for (const offer of sifted(all, state.seed, id).fitting) {
      const value = read(offer);
      counts.set(value, (counts.get(value) ?? 0) + 1);
      const group = id === "area" && value ? value.split(" ")[0] : value;
      if (group !== value) counts.set(group, (counts.get(group) ?? 0) + 1);
    }
    for (const option of options) option.textContent = `${facetName(id, option.value)} (${written(counts.get(option.value) ?? 0)})`;
  }
}

function facetName(id, value) {
  if (id === "change") return say(`change_${value}`);
  if (id !== "area" || chinese) return value;
  const place = data.areas.findIndex((area) => area === value || area.startsWith(`${value} `));
  const romanized = place < 0 ? null : data.areasRomanized[place];
  return romanized === null || romanized === value ? value : `${data.areas[place] === value ? romanized : romanized.split(" ")[0]} ${value}`;
}

// one stop for Tab in all cards: arrows go from card to card

function rove(active = null) {
  const cards = [...document.querySelectorAll("#results .card, #table tbody .card")];
  const chosen = active ?? cards[0];
  for (const each of cards) for (const control of each.querySelectorAll("a, button, input")) control.tabIndex = each === chosen ? 0 : -1;
}
