// the best three of each photo: those that fit the filters, the cheapest to the door first

const BEST = 3;

function bestOf(seed) {
  const { fitting } = sifted(data.seeds[seed].found.map((number) => offers[number]), seed);
  return fitting.sort((a, b) => pairOf(a, seed).rank - pairOf(b, seed).rank).slice(0, BEST);
}

const bestSeeds = () => (state.seed >= 0 ? [state.seed] : data.seeds.map((_, number) => number).filter((number) => data.seeds[number].found.length));

function bestCard(offer, seed, place) {
  return element("li", { className: ticks.has(offer.id) ? "card best ticked" : "card best" },
    element("label", { className: "tick" }, tickBox(offer)),
    element("div", { className: "picture" }, picture(offer.picture, ""), likenessBadge(offer, seed)),
    element("div", { className: "words" },
      element("p", { className: "place" }, `${place}. `, data.hasTerms ? landedText(offer, seed) ?? UNKNOWN : priceOf(offer) ?? UNKNOWN),
      marginText(offer, seed) === null ? null : element("p", { className: marginOf(offer, seed) < 0 ? "loss" : "gain" }, marginText(offer, seed)),
      element("p", { className: "quiet" }, [data.hasTerms ? priceOf(offer) : null, offer.moq === null ? null : `${say("moq")} ${written(offer.moq)}`, offer.unit].filter(Boolean).join(" · ")),
      element("h4", {}, titleOf(offer)), sellerButton(offer),
      lacksText(offer, seed) === null ? null : element("p", { className: "quiet" }, lacksText(offer, seed))));
}

function bestRow(number) {
  const seed = data.seeds[number];
  const best = bestOf(number);
  const name = element("button", { type: "button", className: "link", onclick: () => { setLayout("cards"); choose(number); } }, seedName(seed));
  const facts = [say("facts_count", { count: seed.found.length }), seed.sellPrice === null ? null : say("sold_at", { price: unitMoney(seed.sellPrice) })].filter(Boolean).join(" · ");
  return element("li", { className: "best-row" },
    element("div", { className: "of-photo" }, picture(seed.picture, ""), element("h3", {}, name), element("p", { className: "quiet" }, facts)),
    best.length ? element("ol", {}, ...best.map((offer, place) => bestCard(offer, number, place + 1))) : element("p", { className: "nothing" }, say("none_found")));
}
