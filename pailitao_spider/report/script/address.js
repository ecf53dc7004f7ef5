// what is looked at, in the address: it can be kept, sent, and gone back to

const FIELDS = ["text", "min-price", "max-price", "max-moq", "max-landed", "min-similarity", "area", "shop", "category", "change"];
const CHECKS = ["dropship", "factory"];
const TICKS_TOLD = 300;
let isReading = false;

function writeAddress() {
  if (isReading) return;
  const told = new URLSearchParams();
  const put = (name, value, plain = "") => { if (value !== plain && value !== null) told.set(name, value); };
  put("view", byId("overview").hidden ? "offers" : "overview", "offers");
  put("photo", state.seed >= 0 ? data.seeds[state.seed].id ?? `#${state.seed}` : state.seed === ALL ? "*" : "ticked", startPhoto());
  put("layout", state.layout, "cards");
  put("sort", byId("sort").value, "similarity");
  if (state.isReversed) told.set("reversed", "1");
  for (const id of FIELDS) put(id, byId(id).value, id === "min-similarity" ? "0" : "");
  for (const id of CHECKS) if (byId(id).checked) told.set(id, "1");
  if (!byId("keep-unknown").checked) told.set("unknown", "drop");
  if (state.seller !== null) told.set("seller", data.sellers[state.seller][0] ?? data.sellers[state.seller][1]);
  if (state.page) told.set("page", state.page + 1);
  if (ticks.size && ticks.size <= TICKS_TOLD) told.set("ticks", [...ticks].map(([id, { quantity }]) => (quantity ? `${id}*${quantity}` : id)).join(" "));
  const text = told.toString();
  try { history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search); } catch { /* kept in the browser alone */ }
}

const startSeed = () => (data.seeds.length ? Math.max(data.seeds.findIndex((seed) => seed.found.length), 0) : ALL);
const startPhoto = () => (startSeed() === ALL ? "*" : data.seeds[startSeed()].id ?? `#${startSeed()}`);

function photoOf(name) {
  if (name === "*") return ALL;
  if (name === "ticked") return TICKED;
  const found = data.seeds.findIndex((seed, number) => seed.id === name || `#${number}` === name);
  return found < 0 ? startSeed() : found;
}

function readAddress() {
  isReading = true;
  const told = new URLSearchParams(location.hash.slice(1));
  const photo = told.get("photo");
  state.seed = photo === null ? startSeed() : photoOf(photo);
  if (["cards", "table", "best"].includes(told.get("layout"))) state.layout = told.get("layout");
  const order = [...byId("sort").options].some((option) => option.value === told.get("sort")) ? told.get("sort") : "similarity";
  byId("sort").value = order;
  state.isReversed = told.has("reversed");
  for (const id of FIELDS) if (told.has(id)) byId(id).value = told.get(id);
  for (const id of CHECKS) byId(id).checked = told.has(id);
  byId("keep-unknown").checked = told.get("unknown") !== "drop";
  const seller = told.get("seller");
  const found = seller === null ? -1 : data.sellers.findIndex(([id, name]) => id === seller || name === seller);
  state.seller = found < 0 ? null : found;
  state.page = Math.max(0, (Number(told.get("page")) || 1) - 1);
  for (const each of (told.get("ticks") || "").split(" ").filter(Boolean)) addTold(each);
  isReading = false;
  return told.get("view") === "overview" ? "overview" : "offers";
}

function addTold(text) {
  const [id, quantity] = text.split("*");
  if (!ticks.has(id)) ticks.set(id, quantity ? { quantity } : {});
}
