function options(select, texts, groups = []) {
  const counts = new Map();
  for (const text of texts) counts.set(text, (counts.get(text) || 0) + 1);
  for (const group of groups) if (!counts.has(group)) counts.set(group, texts.filter((text) => text.startsWith(`${group} `)).length);
  const all = [...counts].sort(([a], [b]) => a.localeCompare(b, "zh"));
  select.append(...all.map(([text, count]) => element("option", { value: text }, `${text} (${count})`)));
}

function provinces(areas) {
  const parts = new Map();
  for (const area of new Set(areas)) {
    const first = area.split(" ")[0];
    parts.set(first, (parts.get(first) || 0) + 1);
  }
  return [...parts].filter(([, count]) => count > 1).map(([first]) => first);
}

// views, theme, keys

function view(name) {
  byId("offers").hidden = name !== "offers";
  byId("overview").hidden = name !== "overview";
  for (const button of document.querySelectorAll("[data-view]")) {
    if (button.dataset.view === name) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  byId("open-filters").disabled = name !== "offers";
}

const THEMES = ["auto", "light", "dark"];
let theme = THEMES.includes(kept("theme")) ? kept("theme") : "auto";

function dress() {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = say(`theme_${theme}`);
}

const narrow = matchMedia("(max-width: 900px)");

function placeFilters() {
  const dialog = byId("filters");
  dialog.close();
  if (!narrow.matches) dialog.setAttribute("open", "");
}

const STEPS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: (columns) => -columns, ArrowDown: (columns) => columns };

function moveTick(event) {
  const step = STEPS[event.key];
  if (!step || event.target.dataset.offer === undefined) return;
  const boxes = [...document.querySelectorAll("#results [data-offer]")];
  const cards = boxes.map((box) => box.closest(".card"));
  const columns = cards.filter((each) => each.offsetTop === cards[0].offsetTop).length;
  const next = boxes[boxes.indexOf(event.target) + step(columns)];
  if (next) next.focus();
  event.preventDefault();
}

function unfilter() {
  byId("form").reset();
  byId("text").value = "";
}

function listen() {
  for (const id of ["text", "sort", "min-price", "max-price", "max-moq", "min-similarity", "area", "shop", "dropship", "keep-unknown"]) byId(id).addEventListener("input", refresh);
  byId("form").addEventListener("submit", (event) => { event.preventDefault(); if (narrow.matches) byId("filters").close(); });
  byId("reset-filters").addEventListener("click", () => { unfilter(); refresh(); });
  byId("open-filters").addEventListener("click", () => byId("filters").showModal());
  byId("filters").addEventListener("click", (event) => { if (event.target === byId("filters") && narrow.matches) byId("filters").close(); });
  narrow.addEventListener("change", placeFilters);
  byId("seed-text").addEventListener("input", listSeeds);
  byId("tick-page").addEventListener("change", (event) => tick(shown.map((offer) => offer.number), event.target.checked));
  byId("results").addEventListener("keydown", moveTick);
  byId("show-ticked").addEventListener("click", () => { view("offers"); unfilter(); choose(TICKED); });
  byId("clear").addEventListener("click", () => { tick([...ticked], false); show(); });
  byId("download").addEventListener("click", download);
  byId("theme").addEventListener("click", () => { theme = THEMES[(THEMES.indexOf(theme) + 1) % 3]; keep("theme", theme); dress(); });
  byId("language").addEventListener("click", () => { chinese = !chinese; keep("language", chinese ? "zh" : "en"); speak(); listSeeds(); show(); });
  for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => view(button.dataset.view));
  for (const button of document.querySelectorAll("#overview [data-seed]")) button.addEventListener("click", () => { view("offers"); choose(Number(button.dataset.seed)); });
  for (const button of document.querySelectorAll("#overview [data-seller]")) button.addEventListener("click", () => askSeller(button.dataset.seller));
}

function begin() {
  chinese = (kept("language") || navigator.language).startsWith("zh");
  for (const each of document.querySelectorAll("[data-scripted]")) each.hidden = false;
  for (const each of document.querySelectorAll("[data-photo]")) if (each.dataset.photo) each.append(picture(Number(each.dataset.photo), ""));
  const areas = offers.map((offer) => offer.area).filter((area) => area !== null);
  options(byId("area"), areas, provinces(areas));
  options(byId("shop"), offers.map((offer) => offer.shop).filter((shop) => shop !== null));
  byId("seed-text").parentElement.classList.toggle("needed", data.seeds.length > 20);
  byId("seed-text").parentElement.hidden = data.seeds.length <= 8;
  state.seed = data.seeds.length ? Math.max(data.seeds.findIndex((seed) => seed.found.length), 0) : ALL;
  if (offers.every((offer) => offer.look === null)) document.querySelector("#sort [value=look]").remove();
  listen();
  placeFilters();
  view("offers");
  dress();
  speak();
  listSeeds();
  show();
}

begin();
