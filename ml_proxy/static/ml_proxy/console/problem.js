/** Shows a failure: its title, each field error with its pointer, and the request id for the logs. */

import { el } from "./dom.js";

/** Returns the element for a Failure. */
export function problem(failure) {
  return el(
    "div",
    { class: "problem", role: "alert" },
    el("p", { class: "problem-title" }, failure.title, failure.status ? el("span", {}, String(failure.status)) : null),
    failure.detail ? el("p", {}, failure.detail) : null,
    failure.faults?.length ? el("ul", {}, failure.faults.map(line)) : null,
    failure.requestID ? el("p", { class: "aside" }, "Request ", el("code", {}, failure.requestID)) : null,
  );
}

function line({ pointer, detail }) {
  return el("li", {}, pointer ? el("code", {}, pointer) : "the whole body", " ", String(detail));
}
