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
  writeAddress();
}

const THEMES = ["auto", "light", "dark"];
let theme = THEMES.includes(kept("theme")) ? kept("theme") : "auto";

function dress() {
  document.documentElement.dataset.theme = theme;
  nameTheme();
}

function nameTheme() {
  byId("theme").textContent = say(`theme_${theme}`);
  byId("theme").setAttribute("aria-label", `${say(`theme_${theme}`)}: ${say("theme")}`);
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
  const boxes = [...document.querySelectorAll("#results [data-offer], #table [data-offer]")];
  const cards = boxes.map((box) => box.closest(".card"));
  const columns = cards.filter((each) => each.offsetTop === cards[0].offsetTop).length;
  const next = boxes[boxes.indexOf(event.target) + step(columns)];
  if (next) {
    rove(next.closest(".card"));
    next.focus();
  }
  event.preventDefault();
}

function unfilter() {
  byId("form").reset();
  byId("text").value = "";
  state.seller = null;
}

function listen() {
  for (const id of ["keep-unknown", "group-alike", ...FIELDS, ...CHECKS]) byId(id).addEventListener("input", refresh);
  byId("sort").addEventListener("input", () => { state.isReversed = false; refresh(); });
  byId("direction").addEventListener("click", () => { state.isReversed = !state.isReversed; refresh(); });
  byId("seller-chip").addEventListener("click", () => { state.seller = null; refresh(); byId("count").focus(); });
  for (const button of document.querySelectorAll("[data-layout]")) button.addEventListener("click", () => { setLayout(button.dataset.layout); show(); });
  byId("compare").addEventListener("click", showBeside);
  byId("close-beside").addEventListener("click", () => byId("beside").close());
  byId("print-all").addEventListener("click", printAll);
  byId("print-one").addEventListener("click", () => window.print());
  addEventListener("beforeprint", layPaper);
  addEventListener("afterprint", takePaper);
  addEventListener("hashchange", () => { view(readAddress()); listSeeds(); show(); });
  for (const id of ["results", "table"]) byId(id).addEventListener("focusin", (event) => { const card = event.target.closest(".card"); if (card) rove(card); });
  byId("table").addEventListener("keydown", moveTick);
  byId("form").addEventListener("submit", (event) => { event.preventDefault(); if (narrow.matches) byId("filters").close(); });
  byId("reset-filters").addEventListener("click", () => { unfilter(); refresh(); });
  byId("open-filters").addEventListener("click", () => byId("filters").showModal());
  byId("filters").addEventListener("click", (event) => { if (event.target === byId("filters") && narrow.matches) byId("filters").close(); });
  narrow.addEventListener("change", placeFilters);
  byId("seed-text").addEventListener("input", listSeeds);
  byId("tick-page").addEventListener("change", (event) => tick(shown.map((offer) => offer.number), event.target.checked));
  byId("results").addEventListener("keydown", moveTick);
  byId("show-ticked").addEventListener("click", () => { view("offers"); unfilter(); choose(TICKED); });
  byId("clear").addEventListener("click", clearTicks);
  byId("download").addEventListener("click", download);
  byId("theme").addEventListener("click", () => { theme = THEMES[(THEMES.indexOf(theme) + 1) % 3]; keep("theme", theme); dress(); });
  byId("language").addEventListener("click", () => { chinese = !chinese; keep("language", chinese ? "zh" : "en"); speak(); columnChooser(); listSeeds(); show(); });
  for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => view(button.dataset.view));
  for (const button of document.querySelectorAll("#overview [data-seed]")) button.addEventListener("click", () => { view("offers"); choose(Number(button.dataset.seed)); });
  for (const button of document.querySelectorAll("#overview [data-seller]")) button.addEventListener("click", () => askSeller(Number(button.dataset.number)));
}

function begin() {
  chinese = (kept("language") || navigator.language).startsWith("zh");
  for (const each of document.querySelectorAll("[data-scripted]")) each.hidden = false;
  for (const each of document.querySelectorAll("[data-photo]")) if (each.dataset.photo) each.append(picture(Number(each.dataset.photo), ""));
  const areas = offers.map((offer) => offer.area).filter((area) => area !== null);
  options(byId("area"), areas, provinces(areas));
  options(byId("shop"), offers.map((offer) => offer.shop).filter((shop) => shop !== null));
  options(byId("category"), offers.map((offer) => offer.category).filter((category) => category !== null));
  options(byId("change"), offers.map((offer) => offer.change).filter((change) => change !== null));
  hideUnused();
  byId("seed-text").parentElement.classList.toggle("needed", data.seeds.length > 20);
  byId("seed-text").parentElement.hidden = data.seeds.length <= 8;
  const first = readAddress();
  listen();
  placeFilters();
  isReading = true;
  view(offers.length || first === "overview" ? first : "overview");
  isReading = false;
  dress();
  speak();
  columnChooser();
  listSeeds();
  show();
}

// what no offer tells cannot be asked or sorted by

function hideUnused() {
  for (const id of ["category", "change"]) byId(id).closest(".field").hidden = byId(id).options.length < 2;
  byId("factory").parentElement.hidden = offers.every((offer) => offer.factory === null);
  byId("max-landed").closest(".field").hidden = !data.hasTerms;
  const always = ["similarity", "price", "sales", "moq", "seller"];
  for (const option of [...byId("sort").options]) {
    const { value } = FACTS[option.value];
    const isOfTerms = ["landed", "margin"].includes(option.value);
    const isUsed = always.includes(option.value) || offers.some((offer) => value(offer, ALL) !== null);
    if (!isUsed || (isOfTerms && !data.hasTerms)) option.remove();
  }
}

begin();
