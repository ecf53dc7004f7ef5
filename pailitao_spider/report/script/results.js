let shown = [];

function show() {
  const all = source();
  const { fitting, unjudged, filters } = sifted(all);
  const list = sorted(fitting);
  const pages = Math.max(1, Math.ceil(list.length / PAGE));
  state.page = Math.min(state.page, pages - 1);
  shown = list.slice(state.page * PAGE, (state.page + 1) * PAGE);
  byId("results").replaceChildren(...(shown.length ? shown.map(card) : [element("li", { className: "nothing" }, all.length ? say("none_found") : noneAtAll())]));
  byId("tick-page").parentElement.hidden = !shown.length;
  tellCount(list.length, all.length, unjudged);
  for (const id of ["pager-top", "pager-end"]) pager(byId(id), pages);
  byId("filter-count").textContent = filters;
  byId("filter-count").hidden = !filters;
  byId("similarity-shown").textContent = limit("min-similarity") ? `${limit("min-similarity")}%` : say("any");
  seedFigure(list);
  showTicks();
}

function noneAtAll() {
  const elsewhere = state.seed >= 0 ? data.seeds[state.seed].elsewhere : null;
  return elsewhere === null ? say("none_at_all") : say("none_new", { count: elsewhere });
}

function tellCount(found, all, unjudged) {
  byId("count").replaceChildren(say("count", { found, all }), unjudged ? element("span", { className: "quiet" }, say("unjudged", { count: unjudged })) : "");
}

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
