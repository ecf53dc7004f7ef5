function tick(list, isTicked) {
  for (const number of list) {
    if (isTicked) ticked.add(number);
    else ticked.delete(number);
  }
  keep(mark, JSON.stringify([...ticked].map((number) => offers[number].id)));
  showTicks();
  const many = document.querySelector(`#seeds [data-seed="${TICKED}"] .many`);
  if (many) many.textContent = written(ticked.size);
}

function showTicks() {
  for (const box of document.querySelectorAll("#results [data-offer]")) {
    box.checked = ticked.has(Number(box.dataset.offer));
    box.closest(".card").classList.toggle("ticked", box.checked);
  }
  const count = shown.filter((offer) => ticked.has(offer.number)).length;
  byId("tick-page").checked = shown.length > 0 && count === shown.length;
  byId("tick-page").indeterminate = count > 0 && count < shown.length;
  byId("shortlist").hidden = !ticked.size;
  byId("ticked").textContent = say("ticked", { count: ticked.size });
}

// CSV that Excel reads as text, and runs as no formula

const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;

const COLUMNS = {
  num_iid: (offer) => offer.id,
  title: (offer) => offer.title,
  price: (offer) => offer.price,
  price_min: (offer) => offer.priceMin,
  price_max: (offer) => offer.priceMax,
  promotion_price: (offer) => offer.promotion,
  post_fee: (offer) => offer.postage,
  min_order: (offer) => offer.moq,
  unit: (offer) => offer.unit,
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
  const rows = [...ticked].map((number) => Object.values(COLUMNS).map((read) => cell(read(offers[number]))));
  return `\ufeff${[Object.keys(COLUMNS), ...rows].map((row) => `${row.join(",")}\r\n`).join("")}`;
}

function download() {
  const address = URL.createObjectURL(new Blob([csv()], { type: "text/csv;charset=utf-8" }));
  const link = element("a", { href: address, download: "shortlist.csv" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
