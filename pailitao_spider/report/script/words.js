let chinese = false;

function say(word, values = {}) {
  const text = data.words[word][chinese ? 1 : 0];
  return text.replace(/\{(\w+)(?::([^|{}]*)\|([^|{}]*))?\}/g, (_, name, one, more) =>
    more === undefined ? written(values[name]) : values[name] === 1 ? one : more);
}

function written(value) {
  return typeof value === "number" ? value.toLocaleString("en-US") : value;
}

function speak() {
  document.documentElement.lang = chinese ? "zh-CN" : "en";
  for (const each of document.querySelectorAll("[data-word]")) {
    each.textContent = say(each.dataset.word, JSON.parse(each.dataset.values || "{}"));
  }
  for (const each of document.querySelectorAll("[data-word-label]")) {
    each.setAttribute("aria-label", say(each.dataset.wordLabel));
  }
  for (const each of document.querySelectorAll("[data-word-hint]")) {
    each.placeholder = say(each.dataset.wordHint);
  }
  byId("language").textContent = chinese ? "English" : "中文";
  byId("language").lang = chinese ? "en" : "zh";
  nameTheme();
}

// what is kept between visits; a browser may refuse it

function kept(name) {
  try { return localStorage.getItem(`pailitao:${name}`); } catch { return null; }
}

function keep(name, value) {
  try { localStorage.setItem(`pailitao:${name}`, value); } catch { /* shown all the same */ }
}
