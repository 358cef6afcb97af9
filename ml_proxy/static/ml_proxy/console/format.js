/** Formats numbers and times in the browser's language. */

const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 2 });
const decimal = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const plain = new Intl.NumberFormat(undefined, { maximumFractionDigits: 4 });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const ALMOST = 0.9999;

/** Formats a share from 0 to 1. A value below 1 is never rounded up to 100 %, nor one above 0 down to 0 %. */
export function share(value) {
  if (value > ALMOST && value < 1) return `> ${percent.format(ALMOST)}`;
  if (value > 0 && value < 1 - ALMOST) return `< ${percent.format(1 - ALMOST)}`;
  return percent.format(value);
}

/** Formats milliseconds. */
export function milliseconds(value) {
  return typeof value === "number" ? `${decimal.format(value)} ms` : "";
}

/** Formats a model's metric with up to four decimals. */
export function figure(value) {
  return plain.format(value);
}

/** Formats an ISO 8601 time in the user's time zone; returns the text itself if it is not a time. */
export function when(text) {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? String(text ?? "") : moment.format(date);
}
