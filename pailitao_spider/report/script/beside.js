// two or three ticked offers, side by side

const BESIDE = 4;

function showBeside() {
  const chosen = tickedOffers().slice(0, BESIDE);
  const head = (offer) => element("th", { scope: "col" }, element("div", { className: "picture" }, picture(offer.picture, "")), titleOf(offer));
  const told = (name, offer) => FACTS[name].text(offer, ALL);
  const row = (name) => {
    const texts = chosen.map((offer) => told(name, offer));
    const isSame = texts.every((text) => text === texts[0]);
    return element("tr", { className: isSame ? "same" : "" }, element("th", { scope: "row" }, say(`fact_${name}`)), ...texts.map((text) => element("td", {}, text ?? UNKNOWN)));
  };
  const names = USED.filter((name) => chosen.some((offer) => told(name, offer) !== null));
  byId("beside-table").replaceChildren(
    element("thead", {}, element("tr", {}, element("td", {}), ...chosen.map(head))),
    element("tbody", {}, ...names.map(row)));
  byId("beside").showModal();
}
