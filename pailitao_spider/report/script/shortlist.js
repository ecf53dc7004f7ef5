// ticks by id, with quantity and note: by the file's place, so that a report made anew keeps them

const mark = `shortlist:${location.pathname}`;
const ticks = remembered();

function remembered() {
  try {
    const found = JSON.parse(kept(mark) || "null");
    if (Array.isArray(found)) return new Map(found.map((id) => [String(id), {}]));
    if (found) return new Map(Object.entries(found));
  } catch { /* as if nothing were kept */ }
  return new Map(Object.entries(data.ticks));
}

const tickedOffers = () => [...ticks.keys()].map((id) => offers[numbers.get(id)]).filter(Boolean);
const absent = () => [...ticks.keys()].filter((id) => !numbers.has(id));

function keepTicks() {
  keep(mark, JSON.stringify(Object.fromEntries(ticks)));
  writeAddress();
}

function tick(list, isTicked) {
  for (const number of list) {
    const { id } = offers[number];
    if (!isTicked) ticks.delete(id);
    else if (!ticks.has(id)) ticks.set(id, {});
  }
  keepTicks();
  showTicks();
  const many = document.querySelector(`#seeds [data-seed="${TICKED}"] .many`);
  if (many) many.textContent = written(ticks.size);
}

function note(id, name, value) {
  ticks.set(id, { ...ticks.get(id), [name]: value });
  keepTicks();
}

function clearTicks() {
  ticks.clear();
  keepTicks();
  listSeeds();
  show();
}

function showTicks() {
  for (const box of document.querySelectorAll("#results [data-offer], #table [data-offer]")) {
    box.checked = ticks.has(offers[Number(box.dataset.offer)].id);
    box.closest(".card").classList.toggle("ticked", box.checked);
  }
  const count = shown.filter((offer) => ticks.has(offer.id)).length;
  byId("tick-page").checked = shown.length > 0 && count === shown.length;
  byId("tick-page").indeterminate = count > 0 && count < shown.length;
  byId("shortlist").hidden = !ticks.size;
  const away = absent().length;
  byId("ticked").textContent = say("ticked", { count: ticks.size }) + (away ? say("ticked_away", { count: away }) : "");
  byId("compare").disabled = !tickedOffers().length;
}

// CSV that Excel reads as text, and runs as no formula

const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;

const COLUMNS = {
  num_iid: (offer) => offer.id,
  title: (offer) => offer.title,
  quantity: (offer) => ticks.get(offer.id)?.quantity || null,
  note: (offer) => ticks.get(offer.id)?.note || null,
  title_translated: (offer) => offer.translated,
  price: (offer) => offer.price,
  price_min: (offer) => offer.priceMin,
  price_max: (offer) => offer.priceMax,
  promotion_price: (offer) => offer.promotion,
  currency: (offer) => offer.currency,
  post_fee: (offer) => offer.postage,
  min_order: (offer) => offer.moq,
  unit: (offer) => offer.unit,
  landed_best: (offer) => pairOf(offer)?.low ?? null,
  landed_worst: (offer) => pairOf(offer)?.high ?? null,
  margin: (offer) => (marginOf(offer) === null ? null : marginOf(offer).toFixed(4)),
  sales: (offer) => offer.sales,
  sales_at_least: (offer) => offer.salesAtLeast,
  sales_window: (offer) => offer.salesWindow,
  similarity: (offer) => offer.best,
  visual_similarity: (offer) => offer.look,
  one_stop_service: (offer) => offer.dropship,
  is_onsale: (offer) => offer.onSale,
  is_ad: (offer) => offer.isAd,
  score: (offer) => offer.score,
  seller_id: (offer) => offer.sellerId,
  seller_nick: (offer) => (offer.seller === null ? null : data.sellers[offer.seller][1]),
  area: (offer) => offer.area,
  shop_type: (offer) => offer.shop,
  detail_url: (offer) => (/^\d{1,20}$/.test(offer.id) ? `https://detail.1688.com/offer/${offer.id}.html` : null),
  seed_ids: (offer) => offer.seeds.map((number) => data.seeds[number].id ?? "").join(" | "),
};

function cell(value) {
  if (value === null) return "";
  const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv() {
  const here = tickedOffers().map((offer) => Object.values(COLUMNS).map((read) => cell(read(offer))));
  const away = absent().map((id) => Object.keys(COLUMNS).map((name) => cell(name === "num_iid" ? id : ticks.get(id)[name] || null)));
  return `\ufeff${[Object.keys(COLUMNS), ...here, ...away].map((row) => `${row.join(",")}\r\n`).join("")}`;
}

function download() {
  const address = URL.createObjectURL(new Blob([csv()], { type: "text/csv;charset=utf-8" }));
  const link = element("a", { href: address, download: "shortlist.csv" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
