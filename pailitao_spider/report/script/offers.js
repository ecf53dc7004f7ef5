const amount = (text) => (text === null ? null : Number(text));
const BLANK = Object.fromEntries([
  "title", "translated", "price", "priceMin", "priceMax", "promotion", "low", "high", "currency", "breaks",
  "postage", "isFree", "moq", "sales", "salesAtLeast", "salesWindow", "dropship", "dropshipPrice", "onSale", "isAd",
  "score", "look", "factory", "years", "repurchase", "shipsFrom", "shipHours", "patented", "region", "badges",
  "seller", "area", "shop", "unit", "category", "picture"].map((name) => [name, null]));

const listed = (place, list) => (place === null ? null : list[place]);

const offers = data.offers.map((row, number) => {
  const offer = { ...BLANK };
  data.columns.forEach((name, place) => { offer[name] = row[place]; });
  const [sellerId, sellerName] = listed(offer.seller, data.sellers) ?? [null, null];
  offer.number = number;
  offer.sellerId = sellerId;
  offer.sellerName = sellerName || sellerId;
  offer.place = offer.area;
  offer.area = listed(offer.area, data.areas);
  offer.areaRomanized = listed(offer.place, data.areasRomanized);
  offer.shop = listed(offer.shop, data.shops);
  offer.unit = listed(offer.unit, data.units);
  offer.category = listed(offer.category, data.categories);
  offer.least = offer.currency === null ? amount(offer.low) : null;
  offer.most = offer.currency === null ? amount(offer.high) : null;
  offer.words = [offer.title, offer.translated, offer.sellerName, offer.id].filter(Boolean).join("\n").toLowerCase();
  offer.seeds = [];
  offer.best = null;
  offer.change = data.before ? data.before.kinds[number] ?? null : null;
  offer.percent = data.before ? data.before.percents[number] ?? null : null;
  return offer;
});

data.seeds.forEach((seed, number) => {
  if (seed.id === "") seed.id = null;
  seed.pairs = new Map(seed.found.map((offer, place) => [offer, {
    similarity: seed.similarity[place], low: seed.landedBest[place], high: seed.landedWorst[place],
    total: seed.total[place], rank: seed.rank[place], lacks: seed.lacks[place], sellPrice: seed.sellPrice,
  }]));
  for (const [place, pair] of seed.pairs) {
    const offer = offers[place];
    offer.seeds.push(number);
    if (pair.similarity !== null && (offer.best === null || pair.similarity > offer.best)) offer.best = pair.similarity;
    const isCheaper = pair.high !== null && (!offer.pair || offer.pair.high === null || pair.high < offer.pair.high);
    if (!offer.pair || isCheaper) offer.pair = pair;
  }
});

const numbers = new Map(offers.map((offer) => [offer.id, offer.number]));
const seedName = (seed) => (seed.id === null ? say("unknown_photo") : seed.id);
const titleText = (offer) => (chinese ? null : offer.translated) || offer.title || offer.translated || say("title_unknown");
const areaText = (offer) => (chinese || offer.areaRomanized === null ? offer.area : offer.areaRomanized);

const pairOf = (offer, seed = state.seed) => (seed >= 0 ? data.seeds[seed].pairs.get(offer.number) ?? null : offer.pair ?? null);
const likeness = (offer, seed = state.seed) => (seed >= 0 ? pairOf(offer, seed)?.similarity ?? null : offer.best);
const landedOf = (offer, seed) => pairOf(offer, seed)?.high ?? null;

function marginOf(offer, seed) {
  const pair = pairOf(offer, seed);
  return pair === null || pair.high === null || pair.sellPrice === null ? null : pair.sellPrice - pair.high;
}

function marginShare(offer, seed) {
  const margin = marginOf(offer, seed);
  return margin === null ? null : margin / pairOf(offer, seed).sellPrice;
}
