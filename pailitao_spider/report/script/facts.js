// what is told of an offer: for cards, table, comparison and order

const percent = (share) => `${Number((share * 100).toFixed(1))}%`;

function priceOf(offer) {
  if (offer.price !== null) return priced(offer, offer.price);
  if (offer.priceMin !== null && offer.priceMax !== null) return span((value) => priced(offer, value), offer.priceMin, offer.priceMax);
  if (offer.priceMin !== null) return say("from_price", { price: priced(offer, offer.priceMin) });
  if (offer.priceMax !== null) return say("to_price", { price: priced(offer, offer.priceMax) });
  return offer.breaks === null ? null : say("from_price", { price: priced(offer, offer.low) });
}

function soldName(offer) {
  if (offer.salesWindow === "total") return say("sold_total");
  const days = /^(\d+)d$/.exec(offer.salesWindow || "");
  return days ? say("sold_days", { days: days[1] }) : say("sold");
}

const soldOf = (offer) => (offer.sales === null ? null : written(offer.sales) + (offer.salesAtLeast ? "+" : ""));
const yesNo = (value) => (value === null ? null : say(value ? "yes" : "no"));

function postageOf(offer) {
  if (offer.isFree) return say("free");
  return offer.postage === null ? null : Number(offer.postage) === 0 ? say("free") : priced(offer, offer.postage);
}

function landedText(offer, seed) {
  const pair = pairOf(offer, seed);
  if (pair === null || (pair.low === null && pair.high === null)) return null;
  if (pair.high === null) return say("from_price", { price: unitMoney(pair.low) });
  return pair.low === null ? unitMoney(pair.high) : span(unitMoney, pair.low, pair.high);
}

function marginText(offer, seed) {
  const margin = marginOf(offer, seed);
  return margin === null ? null : `${unitMoney(margin)} · ${percent(marginShare(offer, seed))}`;
}

function breaksText(offer) {
  return offer.breaks === null ? null : offer.breaks.map(([least, price]) => `≥${written(least)}: ${priced(offer, price)}`).join(", ");
}

const lacksText = (offer, seed) => (pairOf(offer, seed)?.lacks ?? []).map((code) => say(`lack_${code}`)).join(", ") || null;
const shopText = (offer) => [offer.shop, offer.factory ? say("factory") : null].filter(Boolean).join(" · ") || null;
const changeText = (offer) => (offer.change === null ? null : [say(`change_${offer.change}`), offer.percent === null ? "" : `${offer.percent > 0 ? "+" : ""}${offer.percent}%`].join(" ").trim());

const number = (read) => ({ value: read, sign: -1 });
const FACTS = {
  similarity: { text: (offer, seed) => (likeness(offer, seed) === null ? null : percent(likeness(offer, seed))), ...number(likeness) },
  look: { text: (offer) => (offer.look === null ? null : `≈ ${percent(offer.look)}`), ...number((offer) => offer.look) },
  price: { text: priceOf, value: (offer) => offer.least, sign: 1 },
  breaks: { text: breaksText },
  unit: { text: (offer) => offer.unit },
  moq: { text: (offer) => (offer.moq === null ? null : written(offer.moq)), value: (offer) => offer.moq, sign: 1 },
  landed: { text: landedText, value: landedOf, sign: 1 },
  margin: { text: marginText, ...number(marginShare) },
  lacks: { text: lacksText },
  change: { text: changeText, value: (offer) => offer.percent, sign: 1 },
  sales: { text: (offer) => (offer.sales === null ? null : `${soldOf(offer)} (${soldName(offer)})`), ...number(soldRank) },
  postage: { text: postageOf },
  dropship: { text: (offer) => (offer.dropshipPrice === null ? yesNo(offer.dropship) : priced(offer, offer.dropshipPrice)) },
  seller: { text: (offer) => offer.sellerName, value: (offer) => offer.sellerName, sign: 1 },
  area: { text: areaText, value: (offer) => areaText(offer), sign: 1 },
  shop: { text: shopText },
  years: { text: (offer) => (offer.years === null ? null : written(offer.years)), ...number((offer) => offer.years) },
  repurchase: { text: (offer) => (offer.repurchase === null ? null : percent(offer.repurchase)), ...number((offer) => offer.repurchase) },
  score: { text: (offer) => offer.score, ...number((offer) => amount(offer.score)) },
  badges: { text: (offer) => offer.badges?.join(", ") ?? null },
  ships: { text: (offer) => [offer.shipsFrom, offer.shipHours === null ? null : say("within_hours", { hours: offer.shipHours })].filter(Boolean).join(" · ") || null },
  category: { text: (offer) => offer.category },
  id: { text: (offer) => offer.id },
};
const USED = Object.keys(FACTS).filter((name) => ["similarity", "price", "sales", "moq", "landed", "seller", "area", "postage", "dropship", "id"].includes(name)
  || offers.some((offer) => { try { return FACTS[name].text(offer, ALL) !== null; } catch { return false; } }));
