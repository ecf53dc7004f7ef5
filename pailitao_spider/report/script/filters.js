// filters: true, false, or null for "not known"

const state = { seed: ALL, page: 0 };

const limit = (id) => {
  const value = byId(id).valueAsNumber;
  return Number.isNaN(value) ? null : value;
};
const atLeast = (value, least) => (value === null ? null : value >= least);
const atMost = (value, most) => (value === null ? null : value <= most);

function says(offer, words) {
  if (words.every((word) => offer.words.includes(word))) return true;
  return offer.title === null ? null : false;
}

function likeness(offer) {
  return state.seed >= 0 ? data.seeds[state.seed].likeness.get(offer.number) ?? null : offer.best;
}

function asked() {
  const asks = [];
  const ask = (value, make) => { if (value !== null && value !== "" && value !== false) asks.push(make(value)); };
  const words = byId("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  ask(words.length ? words : null, (all) => (offer) => says(offer, all));
  ask(limit("min-price"), (least) => (offer) => atLeast(offer.high, least));
  ask(limit("max-price"), (most) => (offer) => atMost(offer.low, most));
  ask(limit("max-moq"), (most) => (offer) => atMost(offer.moq, most));
  ask(limit("min-similarity") || null, (least) => (offer) => atLeast(likeness(offer), least / 100));
  ask(byId("area").value, (area) => (offer) => offer.area === null ? null : offer.area === area || offer.area.startsWith(`${area} `));
  ask(byId("shop").value, (shop) => (offer) => offer.shop === null ? null : offer.shop === shop);
  ask(byId("dropship").checked, () => (offer) => offer.dropship);
  return asks;
}

function sifted(from) {
  const asks = asked();
  const keepsUnknown = byId("keep-unknown").checked;
  let unjudged = 0;
  const fitting = from.filter((offer) => {
    const answers = asks.map((ask) => ask(offer));
    if (answers.includes(false)) return false;
    if (!answers.includes(null)) return true;
    unjudged += keepsUnknown ? 1 : 0;
    return keepsUnknown;
  });
  return { fitting, unjudged, filters: asks.length - (byId("text").value.trim() ? 1 : 0) };
}

const ORDERS = {
  similarity: (offer) => [likeness(offer), -1],
  look: (offer) => [offer.look, -1],
  price: (offer) => [offer.low, 1],
  sales: (offer) => [offer.sales, -1],
};

function sorted(list) {
  const order = ORDERS[byId("sort").value];
  const weigh = (offer) => {
    const [value, sign] = order(offer);
    return value === null ? Infinity : sign * value;
  };
  const weights = new Map(list.map((offer) => [offer, weigh(offer)]));
  return [...list].sort((a, b) => {
    const [left, right] = [weights.get(a), weights.get(b)];
    return left === right ? a.number - b.number : left - right;
  });
}

function source() {
  if (state.seed === ALL) return offers;
  if (state.seed === TICKED) return [...ticked].map((number) => offers[number]);
  return data.seeds[state.seed].found.map((number) => offers[number]);
}
