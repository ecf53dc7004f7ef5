const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const PAGE = 60;
const SEEDS_LISTED = 100;
const ALL = -1;
const TICKED = -2;
const UNKNOWN = "—";
