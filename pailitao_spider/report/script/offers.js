const amount = (text) => (text === null ? null : Number(text));

const offers = data.offers.map((row, number) => {
  const offer = Object.fromEntries(data.columns.map((name, place) => [name, row[place]]));
  const [sellerId, sellerName] = offer.seller === null ? [null, null] : data.sellers[offer.seller];
  offer.number = number;
  offer.sellerId = sellerId;
  offer.sellerName = sellerName || sellerId;
  offer.area = offer.area === null ? null : data.areas[offer.area];
  offer.shop = offer.shop === null ? null : data.shops[offer.shop];
  offer.unit = offer.unit === null ? null : data.units[offer.unit];
  offer.low = amount(offer.price ?? offer.priceMin);
  offer.high = amount(offer.price ?? offer.priceMax);
  offer.words = [offer.title, offer.sellerName, offer.id].filter(Boolean).join("\n").toLowerCase();
  offer.seeds = [];
  offer.best = null;
  return offer;
});

data.seeds.forEach((seed, number) => {
  seed.likeness = new Map(seed.found.map((offer, place) => [offer, seed.similarity[place]]));
  for (const [place, similarity] of seed.likeness) {
    const offer = offers[place];
    offer.seeds.push(number);
    if (similarity !== null && (offer.best === null || similarity > offer.best)) offer.best = similarity;
  }
});

const seedName = (seed) => (seed.id === null ? say("unknown_photo") : seed.id);

// By the file's place, so that a report made anew keeps its ticks.
const mark = `shortlist:${location.pathname}`;
const numbers = new Map(offers.map((offer) => [offer.id, offer.number]));
const ticked = new Set(remembered());

function remembered() {
  try {
    return JSON.parse(kept(mark) || "[]").map((id) => numbers.get(id)).filter((each) => each !== undefined);
  } catch { return []; }
}
