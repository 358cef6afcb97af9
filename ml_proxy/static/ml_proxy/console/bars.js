/** A prediction's labels, most confident first, each with its confidence as a bar and a number. */

import { el, isObject } from "./dom.js";
import { share } from "./format.js";

/** Returns the predictions of an answer in the reference server's format; otherwise an empty list. */
export function predictionsOf(output) {
  const listed = isObject(output) && Array.isArray(output.predictions) ? output.predictions : [];
  return listed.filter((item) => isObject(item) && "label" in item && typeof item.confidence === "number");
}

/** Returns their labels as strings. */
export function labelsOf(predictions) {
  return predictions.map(({ label }) => String(label));
}

/** Returns the most confident label in large type, then a bar for each label. */
export function bars(predictions) {
  return [
    el("p", { class: "top-label" }, String(predictions[0].label)),
    el("ul", { class: "bars" }, predictions.map(bar)),
  ];
}

function bar({ label, confidence }) {
  return el(
    "li",
    {},
    el("span", { class: "bar-label", dir: "auto" }, String(label)),
    el("span", { class: "bar-share" }, share(confidence)),
    gauge(confidence),
  );
}

/** Returns the bar, hidden from screen readers because the number beside it has the same value. */
export function gauge(confidence) {
  const filled = el("span", { class: "filled" });
  filled.style.setProperty("inline-size", `${Math.min(Math.max(confidence, 0), 1) * 100}%`);
  return el("span", { class: "gauge", "aria-hidden": "true" }, filled);
}
