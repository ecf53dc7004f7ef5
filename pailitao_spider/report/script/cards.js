function priceNode(offer) {
  const text = priceOf(offer);
  if (text === null) return element("p", { className: "price unknown" }, say("price_unknown"));
  const unit = offer.unit === null ? null : element("small", { title: offer.unit }, ` / ${offer.unit}`);
  const isWhole = offer.price !== null || (offer.priceMin !== null && offer.priceMin === offer.priceMax);
  return element("p", { className: isWhole ? "price" : "price partly" }, text, unit);
}

function moreOfPrice(offer) {
  const line = element("p", { className: "more" });
  const shown = amount(offer.price ?? offer.priceMin);
  const isPromoted = offer.promotion !== null && (shown === null || Number(offer.promotion) < shown);
  if (isPromoted) line.append(element("b", {}, say("promotion", { price: priced(offer, offer.promotion) })));
  if (offer.price !== null && offer.priceMin !== null && Number(offer.priceMin) < Number(offer.price)) {
    const hasMore = offer.priceMax !== null && Number(offer.priceMax) > Number(offer.price);
    line.append(element("span", {}, hasMore ? span((value) => priced(offer, value), offer.priceMin, offer.priceMax) : say("from_price", { price: priced(offer, offer.priceMin) })));
  }
  if (offer.breaks !== null) line.append(element("span", {}, breaksText(offer)));
  return line;
}

function fact(name, value, kind = "") {
  const isUnknown = value === null;
  const told = element("dd", { className: isUnknown ? "unknown" : kind }, isUnknown ? UNKNOWN : value);
  if (isUnknown) told.append(element("span", { className: "said" }, say("unknown")));
  return element("div", {}, element("dt", {}, name), told);
}

function facts(offer) {
  return element("dl", {},
    fact(say("moq"), FACTS.moq.text(offer)),
    fact(soldName(offer), soldOf(offer)),
    fact(say("postage"), postageOf(offer)),
    fact(say("dropship"), FACTS.dropship.text(offer), offer.dropship ? "yes" : ""));
}

function landedNode(offer, seed = state.seed) {
  const text = landedText(offer, seed);
  if (text === null || !data.hasTerms) return null;
  const margin = marginText(offer, seed);
  return element("p", { className: "landed" }, element("span", { className: "quiet" }, `${say("landed")} `), element("b", {}, text),
    margin === null ? null : element("span", { className: marginOf(offer, seed) < 0 ? "loss" : "gain" }, ` ${margin}`));
}

function sellerButton(offer) {
  if (offer.sellerName === null) return element("span", { className: "unknown" }, say("seller_unknown"));
  return element("button", { type: "button", className: "link", title: say("of_seller", { seller: offer.sellerName }), onclick: () => askSeller(offer.seller) }, offer.sellerName);
}

function shopOf(offer) {
  return element("div", { className: "shop" }, sellerButton(offer), `${areaText(offer) ?? UNKNOWN} · ${shopText(offer) ?? UNKNOWN}`);
}

function titleOf(offer) {
  const text = titleText(offer);
  const title = [offer.title, offer.translated].filter(Boolean).join("\n") || text;
  if (!/^\d{1,20}$/.test(offer.id)) return element("span", { title }, text);
  const href = `https://detail.1688.com/offer/${offer.id}.html`;
  return element("a", { href, target: "_blank", rel: "noopener noreferrer", title }, text);
}

function flagsOf(offer) {
  const flags = element("div", { className: "flags" });
  const flag = (text, className = "") => flags.append(element("span", { className }, text));
  if (offer.isAd) flag(say("ad"));
  if (offer.onSale === false) flag(say("off_sale"));
  if (offer.patented) flag(say("patented"));
  if (offer.change !== null) flag(changeText(offer), `change ${offer.change}`);
  if (offer.seeds.length > 1) flag(say("in_photos", { count: offer.seeds.length }), "many");
  return flags;
}

function badgesOf(offer) {
  const told = [
    offer.factory ? say("factory") : null,
    offer.years === null ? null : say("years_open", { years: offer.years }),
    offer.repurchase === null ? null : say("repurchase_badge", { share: percent(offer.repurchase) }),
    ...(offer.badges ?? []),
  ].filter(Boolean);
  return told.length ? element("p", { className: "badges" }, ...told.slice(0, 6).map((text) => element("span", {}, text))) : null;
}

function tickBox(offer) {
  const box = element("input", { type: "checkbox", checked: ticks.has(offer.id), ariaLabel: say("tick", { title: titleText(offer) }), onchange: () => tick([offer.number], box.checked) });
  box.dataset.offer = offer.number;
  return box;
}

function likenessBadge(offer, seed = state.seed) {
  const similarity = likeness(offer, seed);
  return similarity === null && offer.look !== null
    ? element("span", { className: "likeness unknown", title: say("look_said") }, `≈ ${percent(offer.look)}`)
    : element("span", { className: similarity === null ? "likeness unknown" : "likeness", title: say("similarity") }, similarity === null ? UNKNOWN : percent(similarity));
}

function priceLine(offer) {
  const prices = data.before?.prices[offer.number]?.map(amount).filter((price) => price !== null) ?? [];
  if (prices.length < 2) return null;
  const [low, high] = [Math.min(...prices), Math.max(...prices)];
  const at = (price, place) => `${(4 + (112 * place) / (prices.length - 1)).toFixed(1)},${(high === low ? 12 : 20 - (16 * (price - low)) / (high - low)).toFixed(1)}`;
  return shape("svg", { class: "line", viewBox: "0 0 120 24", role: "img", "aria-label": say("price_line", { prices: prices.map(cents).join(" → ") }) },
    shape("polyline", { points: prices.map(at).join(" ") }));
}

function alikeButton(offer, others) {
  if (!others) return null;
  const isOpen = state.open.has(offer.number);
  return element("button", { type: "button", className: "link alike", ariaExpanded: String(isOpen), onclick: () => { if (isOpen) state.open.delete(offer.number); else state.open.add(offer.number); show(); } },
    say(isOpen ? "alike_hide" : "alike", { count: others }));
}

function orderOf(offer) {
  if (state.seed !== TICKED || !ticks.has(offer.id)) return null;
  const kept = ticks.get(offer.id);
  const field = (name, properties) => element("input", { ...properties, value: kept[name] ?? "", ariaLabel: `${say(`order_${name}`)}: ${titleText(offer)}`, placeholder: say(`order_${name}`), onchange: (event) => note(offer.id, name, event.target.value) });
  return element("div", { className: "order" }, field("quantity", { type: "number", min: "1", step: "1" }), field("note", { type: "text", maxLength: 500 }));
}

function card(offer, others = 0) {
  return element("li", { className: ticks.has(offer.id) ? "card ticked" : "card" },
    element("label", { className: "tick" }, tickBox(offer)),
    element("div", { className: "picture" }, picture(offer.picture, ""), flagsOf(offer), likenessBadge(offer)),
    element("div", { className: "words" }, priceNode(offer), moreOfPrice(offer), landedNode(offer), element("h3", {}, titleOf(offer)), badgesOf(offer), priceLine(offer), facts(offer), shopOf(offer), alikeButton(offer, others), orderOf(offer)));
}

// near-identical offers of one seller, in one photo: the first stands for the others

function grouped(list) {
  if (state.seed < 0 || !byId("group-alike").checked) return list.map((offer) => [offer, 0]);
  const groups = new Map();
  for (const offer of list) {
    const key = alikeKey(offer) ?? `alone ${offer.number}`;
    if (groups.has(key)) groups.get(key).push(offer);
    else groups.set(key, [offer]);
  }
  return [...groups.values()].flatMap(([first, ...others]) => [[first, others.length], ...(state.open.has(first.number) ? others.map((offer) => [offer, 0]) : [])]);
}

function alikeKey(offer) {
  if (offer.seller === null || offer.least === null) return null;
  const step = Math.round(Math.log(offer.least + 0.01) / Math.log(1.03));
  const alike = likeness(offer) ?? offer.look;
  return alike === null ? null : `${offer.seller} ${offer.unit} ${step} ${Math.round(alike * 50)}`;
}
