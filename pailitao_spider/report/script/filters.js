// filters: true, false, or null for "not known"

const state = { seed: ALL, page: 0, layout: "cards", seller: null, isReversed: false, open: new Set() };

const limit = (id) => {
  const value = byId(id).valueAsNumber;
  return Number.isNaN(value) ? null : value;
};
const atLeast = (value, least) => (value === null ? null : value >= least);
const atMost = (value, most) => (value === null ? null : value <= most);

function says(offer, words) {
  if (words.every((word) => offer.words.includes(word))) return true;
  return offer.title === null && offer.sellerName === null ? null : false;
}

const isIn = (area, wanted) => (area === null ? null : area === wanted || area.startsWith(`${wanted} `));
const isSame = (value, wanted) => (value === null ? null : value === wanted);

const words = () => byId("text").value.toLowerCase().split(/\s+/).filter(Boolean);

const ASKS = {
  text: [() => (words().length ? words() : null), (offer, all) => says(offer, all)],
  seller: [() => state.seller, (offer, seller) => offer.seller === seller],
  "min-price": [() => limit("min-price"), (offer, least) => atLeast(offer.most, least)],
  "max-price": [() => limit("max-price"), (offer, most) => atMost(offer.least, most)],
  "max-moq": [() => limit("max-moq"), (offer, most) => atMost(offer.moq, most)],
  "max-landed": [() => limit("max-landed"), (offer, most, seed) => atMost(landedOf(offer, seed), most)],
  "min-similarity": [() => limit("min-similarity") || null, (offer, least, seed) => atLeast(likeness(offer, seed), least / 100)],
  area: [() => byId("area").value || null, (offer, area) => isIn(offer.area, area)],
  shop: [() => byId("shop").value || null, (offer, shop) => isSame(offer.shop, shop)],
  category: [() => byId("category").value || null, (offer, category) => isSame(offer.category, category)],
  change: [() => byId("change").value || null, (offer, change) => offer.change === change],
  dropship: [() => byId("dropship").checked || null, (offer) => offer.dropship],
  factory: [() => byId("factory").checked || null, (offer) => offer.factory],
};

function asked(without = null) {
  return Object.entries(ASKS).map(([name, [value, judge]]) => [name, name === without ? null : value(), judge]).filter(([, value]) => value !== null);
}

function sifted(from, seed = state.seed, without = null) {
  const asks = asked(without);
  const keepsUnknown = byId("keep-unknown").checked;
  let unjudged = 0;
  const fitting = from.filter((offer) => {
    let isUnknown = false;
    for (const [, value, judge] of asks) {
      const answer = judge(offer, value, seed);
      if (answer === false) return false;
      isUnknown ||= answer === null;
    }
    unjudged += isUnknown && keepsUnknown ? 1 : 0;
    return !isUnknown || keepsUnknown;
  });
  return { fitting, unjudged, filters: asks.filter(([name]) => name !== "text").length };
}

// order: what is unknown comes last, whichever way round

function soldRank(offer) {
  if (offer.sales === null) return null;
  const days = /^([1-9]\d*)d$/.exec(offer.salesWindow || "");
  if (days) return [0, offer.sales / Number(days[1])];
  return [offer.salesWindow === "total" ? 1 : 2, offer.sales];
}

function sorted(list, seed = state.seed) {
  const { value, sign } = FACTS[byId("sort").value] ?? FACTS.similarity;
  const way = sign * (state.isReversed ? -1 : 1);
  const weights = new Map(list.map((offer) => {
    const found = value(offer, seed);
    return [offer, found === null ? [9, 0] : Array.isArray(found) ? found : [0, found]];
  }));
  return [...list].sort((a, b) => {
    const [left, right] = [weights.get(a), weights.get(b)];
    if (left[0] !== right[0]) return left[0] - right[0];
    const order = typeof left[1] === "string" ? left[1].localeCompare(right[1], "zh") : left[1] - right[1];
    return way * order || a.number - b.number;
  });
}

function source() {
  if (state.seed === ALL) return offers;
  if (state.seed === TICKED) return tickedOffers();
  return data.seeds[state.seed].found.map((number) => offers[number]);
}
