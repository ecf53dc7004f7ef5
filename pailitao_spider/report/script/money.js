// money is text with its digits, or a number that was reckoned

const cents = (value) => {
  const [whole, part = ""] = (typeof value === "number" ? value.toFixed(2) : value).split(".");
  return `${whole}.${part.padEnd(2, "0")}`;
};
const yuan = (value) => `¥${cents(value)}`;
const priced = (offer, value) => (offer.currency === null ? yuan(value) : `${offer.currency} ${cents(value)}`);
const unitMoney = (value) => (data.terms.currency === "¥" ? yuan(value) : `${data.terms.currency} ${cents(value)}`.trim());

function span(write, one, other) {
  const [low, high] = Number(one) <= Number(other) ? [one, other] : [other, one];
  return Number(low) === Number(high) ? write(low) : `${write(low)}–${cents(high)}`;
}
