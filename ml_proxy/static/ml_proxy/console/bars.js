/** A prediction's labels, surest first, each with its confidence as a bar and as a figure. */

import { el, isObject } from "./dom.js";
import { share } from "./format.js";

/** The predictions of a model's answer that has them in the reference server's form; else an empty list. */
export function predictionsOf(output) {
  const listed = isObject(output) && Array.isArray(output.predictions) ? output.predictions : [];
  return listed.filter((one) => isObject(one) && "label" in one && typeof one.confidence === "number");
}

/** Their labels as texts. */
export function labelsOf(predictions) {
  return predictions.map(({ label }) => String(label));
}

/** The surest label in large, then a bar for each. */
export function bars(predictions) {
  return [
    el("p", { class: "surest" }, String(predictions[0].label)),
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

/** The bar alone; the figure beside it says the same to those who don't see it. */
export function gauge(confidence) {
  const filled = el("span", { class: "filled" });
  filled.style.setProperty("inline-size", `${Math.min(Math.max(confidence, 0), 1) * 100}%`);
  return el("span", { class: "gauge", "aria-hidden": "true" }, filled);
}
