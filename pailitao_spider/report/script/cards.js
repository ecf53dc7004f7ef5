const yuan = (text) => `¥${text}`;
const span = (low, high) => (low === high ? yuan(low) : `${yuan(low)}–${high}`);

function priceOf(offer) {
  if (offer.price !== null) return yuan(offer.price);
  if (offer.priceMin !== null && offer.priceMax !== null) return span(offer.priceMin, offer.priceMax);
  if (offer.priceMin !== null) return say("from_price", { price: yuan(offer.priceMin) });
  return offer.priceMax === null ? null : say("to_price", { price: yuan(offer.priceMax) });
}

function priceNode(offer) {
  const text = priceOf(offer);
  if (text === null) return element("p", { className: "price unknown" }, say("price_unknown"));
  const unit = offer.unit === null ? null : element("small", {}, ` / ${offer.unit}`);
  const isWhole = offer.price !== null || (offer.priceMin !== null && offer.priceMin === offer.priceMax);
  return element("p", { className: isWhole ? "price" : "price partly" }, text, unit);
}

function moreOfPrice(offer) {
  const line = element("p", { className: "more" });
  const isPromoted = offer.promotion !== null && (offer.low === null || Number(offer.promotion) < offer.low);
  if (isPromoted) line.append(element("b", {}, say("promotion", { price: yuan(offer.promotion) })));
  if (offer.price !== null && offer.priceMin !== null && Number(offer.priceMin) < Number(offer.price)) {
    const hasMore = offer.priceMax !== null && Number(offer.priceMax) > Number(offer.price);
    line.append(element("span", {}, hasMore ? span(offer.priceMin, offer.priceMax) : say("from_price", { price: yuan(offer.priceMin) })));
  }
  return line;
}

function fact(name, value, kind = "") {
  const isUnknown = value === null;
  const told = element("dd", { className: isUnknown ? "unknown" : kind }, isUnknown ? UNKNOWN : value);
  if (isUnknown) told.append(element("span", { className: "said" }, say("unknown")));
  return element("div", {}, element("dt", {}, name), told);
}

function soldName(offer) {
  if (offer.salesWindow === "total") return say("sold_total");
  const days = /^(\d+)d$/.exec(offer.salesWindow || "");
  return days ? say("sold_days", { days: days[1] }) : say("sold");
}

function facts(offer) {
  const sold = offer.sales === null ? null : written(offer.sales) + (offer.salesAtLeast ? "+" : "");
  const postage = offer.postage === null ? null : Number(offer.postage) === 0 ? say("free") : yuan(offer.postage);
  const dropship = offer.dropship === null ? null : say(offer.dropship ? "yes" : "no");
  return element("dl", {},
    fact(say("moq"), offer.moq === null ? null : written(offer.moq)),
    fact(soldName(offer), sold),
    fact(say("postage"), postage),
    fact(say("dropship"), dropship, offer.dropship ? "yes" : ""));
}

function shopOf(offer) {
  const seller = offer.sellerName === null
    ? element("span", { className: "unknown" }, say("seller_unknown"))
    : element("button", { type: "button", className: "link", title: say("of_seller", { seller: offer.sellerName }), onclick: () => askSeller(offer.sellerName) }, offer.sellerName);
  return element("div", { className: "shop" }, seller, `${offer.area ?? UNKNOWN} · ${offer.shop ?? UNKNOWN}`);
}

function titleOf(offer) {
  const title = offer.title ?? say("title_unknown");
  if (!/^\d{1,20}$/.test(offer.id)) return element("span", { title }, title);
  const href = `https://detail.1688.com/offer/${offer.id}.html`;
  return element("a", { href, target: "_blank", rel: "noopener noreferrer", title }, title);
}

function flagsOf(offer) {
  const flags = element("div", { className: "flags" });
  if (offer.isAd) flags.append(element("span", {}, say("ad")));
  if (offer.onSale === false) flags.append(element("span", {}, say("off_sale")));
  if (offer.seeds.length > 1) flags.append(element("span", { className: "many" }, say("in_photos", { count: offer.seeds.length })));
  return flags;
}

function card(offer) {
  const similarity = likeness(offer);
  const title = offer.title ?? say("title_unknown");
  const box = element("input", { type: "checkbox", checked: ticked.has(offer.number), ariaLabel: say("tick", { title }), onchange: () => tick([offer.number], box.checked) });
  box.dataset.offer = offer.number;
  const badge = similarity === null && offer.look !== null
    ? element("span", { className: "likeness unknown", title: say("look") }, `≈ ${percent(offer.look)}`)
    : element("span", { className: similarity === null ? "likeness unknown" : "likeness", title: say("similarity") }, similarity === null ? UNKNOWN : percent(similarity));
  return element("li", { className: ticked.has(offer.number) ? "card ticked" : "card" },
    element("label", { className: "tick" }, box),
    element("div", { className: "picture" }, picture(offer.picture, ""), flagsOf(offer), badge),
    element("div", { className: "words" }, priceNode(offer), moreOfPrice(offer), element("h3", {}, titleOf(offer)), facts(offer), shopOf(offer)));
}

const percent = (share) => `${Number((share * 100).toFixed(1))}%`;
