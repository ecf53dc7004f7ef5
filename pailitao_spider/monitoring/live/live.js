"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const made = (tag, className, ...children) => {
    const element = document.createElement(tag);
    element.className = className;
    element.append(...children.filter((child) => child !== null));
    return element;
  };
  const count = (value) => (value === null || value === undefined ? "?" : value.toLocaleString("en-US"));
  const rate = (value) => (value === null || value === undefined ? "" : `${value.toFixed(1)} a second`);

  function duration(seconds) {
    if (seconds === null || seconds === undefined) return null;
    const whole = Math.max(0, Math.round(seconds));
    const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    return hours ? `${hours} h ${minutes} min` : minutes ? `${minutes} min ${rest} s` : `${rest} s`;
  }

  const numbers = (counts) => Object.entries(counts ?? {}).filter(([, number]) => number).map(([name, number]) => `${count(number)} ${name}`).join(", ");

  function head(seen) {
    byId("name").textContent = seen.name ? `pailitao · run ${seen.name}` : "pailitao";
    const left = duration(seen.left_seconds);
    const ran = duration(seen.seconds);
    byId("time").textContent = [ran === null ? null : `for ${ran}`, left === null ? null : `about ${left} left`].filter(Boolean).join(", ");
    document.title = seen.total ? `${Math.floor((100 * seen.through) / seen.total)} % · pailitao` : "pailitao · live";
  }

  function seeds(seen) {
    const share = seen.total ? Math.min(1, seen.through / seen.total) : null;
    byId("bar").hidden = share === null;
    byId("bar").value = share ?? 0;
    byId("seeds").textContent = share === null ? `${count(seen.through)} ended, more may come` : `${count(seen.through)} of ${count(seen.total)} · ${Math.floor(100 * share)} %`;
    byId("statuses").textContent = [`${count(seen.open)} open`, numbers(seen.seeds), seen.known ? `${count(seen.known)} done before` : ""].filter(Boolean).join("; ");
  }

  function figure(name, value, more = "") {
    return made("div", "", made("dt", "", name), made("dd", "", value, made("small", "", more)));
  }

  function figures(seen) {
    const told = [
      figure("Offers", count(seen.offers?.new), [rate(seen.offers_per_second), seen.offers?.duplicate ? `${count(seen.offers.duplicate)} duplicate` : "", seen.offers?.rejected ? `${count(seen.offers.rejected)} rejected` : ""].filter(Boolean).join(", ")),
      figure("Pages", count(seen.pages), rate(seen.pages_per_second)),
      figure("Calls", count(seen.calls)),
      figure("Refused", numbers(seen.refused) || "none"),
    ];
    if (seen.slowest) told.push(figure("Slowest seed", duration(seen.slowest.seconds), seen.slowest.seed_id));
    if (seen.last_word) told.push(figure("Last word", seen.last_word.level.toLowerCase(), seen.last_word.text));
    byId("figures").replaceChildren(...told);
  }

  const row = (...cells) => made("tr", "", ...cells.map(([text, className]) => made("td", className ?? "", text)));

  function keys(seen) {
    byId("keys").replaceChildren(...seen.keys.map((key) => row([key.name], [key.pace], [count(key.calls), "number"],
      [`${count(key.today)}${key.daily_calls === null ? "" : ` of ${count(key.daily_calls)}`}`], [key.out ?? "at work", key.out ? "out" : ""])));
  }

  function workers(seen) {
    byId("workers-box").hidden = !seen.workers.length;
    byId("workers").replaceChildren(...seen.workers.map((each) => row([each.name], [count(each.pages), "number"], [count(each.offers), "number"],
      [count(each.calls), "number"], [count(each.in_hand), "number"], [`${duration(each.silent_seconds)} ago`])));
  }

  function failed(seen) {
    byId("failed-count").textContent = seen.failed_count ? `(${count(seen.failed_count)})` : "";
    const items = seen.failed.map((each) => made("li", "", made("b", each.status, each.seed_id), ` ${each.status}`, made("span", "quiet", each.reason ? ` · ${each.reason}` : "")));
    byId("failed").replaceChildren(...(items.length ? items : [made("li", "none", "none so far")]));
  }

  function link(offer) {
    if (!/^\d{1,20}$/.test(offer.id)) return document.createTextNode(offer.title ?? offer.id);
    const anchor = made("a", "", offer.title ?? offer.id);
    anchor.href = `https://detail.1688.com/offer/${offer.id}.html`;
    anchor.rel = "noopener noreferrer";
    anchor.target = "_blank";
    return anchor;
  }

  function offers(seen) {
    const items = seen.recent.map((offer) => made("li", "", offer.price === null ? null : made("b", "", `¥${offer.price} `), link(offer), made("span", "quiet", ` · ${[offer.seed, offer.seller].filter(Boolean).join(" · ")}`)));
    byId("offers").replaceChildren(...(items.length ? items : [made("li", "none", "none so far")]));
  }

  const source = new EventSource(`events${location.search}`);
  source.onopen = () => { byId("link").textContent = "live"; byId("link").className = ""; };
  source.onerror = () => { byId("link").textContent = "the run does not answer: it has ended, or is away"; byId("link").className = "away"; };
  source.onmessage = (event) => {
    const seen = JSON.parse(event.data);
    for (const show of [head, seeds, figures, keys, workers, failed, offers]) show(seen);
  };
})();
