// the offers as a table: columns to choose, a click on a head sorts

const PLAIN = ["similarity", "price", "unit", "moq", "landed", "margin", "change", "sales", "postage", "seller", "area"];
let columns = keptColumns();

function keptColumns() {
  const named = (kept("columns") || "").split(",").filter((name) => USED.includes(name));
  return named.length ? named : PLAIN.filter((name) => USED.includes(name) && (data.hasTerms || !["landed", "margin"].includes(name)));
}

function columnChooser() {
  const box = (name) => {
    const input = element("input", { type: "checkbox", checked: columns.includes(name), onchange: () => chooseColumn(name, input.checked) });
    return element("label", { className: "check" }, input, ` ${say(`fact_${name}`)}`);
  };
  byId("columns").replaceChildren(...USED.map(box));
}

function chooseColumn(name, isWanted) {
  columns = USED.filter((each) => (each === name ? isWanted : columns.includes(each)));
  keep("columns", columns.join(","));
  show();
}

function headOf(name) {
  const isSorted = byId("sort").value === name;
  const label = say(`fact_${name}`);
  if (!FACTS[name].value) return element("th", { scope: "col" }, label);
  const isDown = (FACTS[name].sign < 0) !== state.isReversed;
  const head = element("th", { scope: "col" }, element("button", { type: "button", className: "link", onclick: () => sortBy(name) }, label, isSorted ? (isDown ? " ▾" : " ▴") : ""));
  if (isSorted) head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
  return head;
}

function sortBy(name) {
  if (byId("sort").value === name) state.isReversed = !state.isReversed;
  else {
    state.isReversed = false;
    byId("sort").value = name;
  }
  refresh();
}

function cellOf(name, offer) {
  if (name === "seller") return element("td", {}, sellerButton(offer));
  const text = FACTS[name].text(offer, state.seed);
  return element("td", { className: FACTS[name].value && name !== "area" ? "number" : "" }, text === null ? element("span", { className: "unknown" }, UNKNOWN, element("span", { className: "said" }, say("unknown"))) : text);
}

function rowOf(offer) {
  return element("tr", { className: ticks.has(offer.id) ? "card ticked" : "card" },
    element("td", {}, element("label", { className: "tick plain" }, tickBox(offer))),
    element("td", { className: "thumb" }, picture(offer.picture, "")),
    element("th", { scope: "row" }, titleOf(offer), orderOf(offer)),
    ...columns.map((name) => cellOf(name, offer)));
}

function tableOf(list) {
  const said = (word) => element("th", { scope: "col" }, element("span", { className: "said" }, say(word)));
  return element("table", {},
    element("thead", {}, element("tr", {}, said("shortlist"), said("picture"), element("th", { scope: "col" }, say("fact_title")), ...columns.map(headOf))),
    element("tbody", {}, ...list.map(rowOf)));
}
