/** Shows the readiness of the gateway and its parts, refreshed while the page is visible. */

import { call } from "./api.js";
import { el, isObject, part } from "./dom.js";
import { milliseconds } from "./format.js";

const EVERY_MS = 15_000;
const WORDS = {
  ready: "Ready",
  degraded: "Degraded: predictions are served, work in the background is delayed",
  "not ready": "Not ready: predictions can’t be served",
};

/** Fills the section now, and again every `EVERY_MS`. */
export function startReadiness(section) {
  const update = () => document.visibilityState === "visible" && refresh(section);
  document.addEventListener("visibilitychange", update);
  setInterval(update, EVERY_MS);
  update();
}

async function refresh(section) {
  try {
    const { json } = await call(section.dataset.url, { accept: [503] });
    show(section, json?.status, WORDS[json?.status] ?? "Readiness is unknown", isObject(json?.parts) ? json.parts : {});
  } catch (failure) {
    show(section, "not ready", failure.title, {});
  }
}

function show(section, status, words, parts) {
  const overall = part(section, "overall");
  if (overall.textContent !== words) overall.textContent = words; // screen readers announce only changes
  section.dataset.state = status ?? "";
  part(section, "parts").replaceChildren(...Object.entries(parts).map(([name, state]) => item(name, state)));
}

function item(name, { ok, ms, detail }) {
  return el(
    "li",
    { class: ok ? "ok" : "failed" },
    el("span", { class: "part-name" }, name),
    el("span", { class: "aside" }, ok ? milliseconds(ms) : String(detail)),
    el("span", { class: "visually-hidden" }, ok ? "works" : "does not work"),
  );
}
