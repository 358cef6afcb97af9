/** Numbers and times as people read them, in the browser's own language. */

const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 2 });
const decimal = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const plain = new Intl.NumberFormat(undefined, { maximumFractionDigits: 4 });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const ALMOST = 0.9999;

/** A share from 0 to 1. What is not quite certain is never rounded up to certain, nor down to impossible. */
export function share(value) {
  if (value > ALMOST && value < 1) return `> ${percent.format(ALMOST)}`;
  if (value > 0 && value < 1 - ALMOST) return `< ${percent.format(1 - ALMOST)}`;
  return percent.format(value);
}

/** Milliseconds. */
export function milliseconds(value) {
  return typeof value === "number" ? `${decimal.format(value)} ms` : "";
}

/** A figure of a model: as it is, to four decimals. */
export function figure(value) {
  return plain.format(value);
}

/** A time in ISO 8601, on the reader's clock; the text itself where it is no time. */
export function when(text) {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? String(text ?? "") : moment.format(date);
}
