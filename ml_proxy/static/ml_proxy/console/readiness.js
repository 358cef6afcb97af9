/** Whether the gateway can do its work, part by part; asked again while somebody is looking. */

import { call } from "./api.js";
import { el, isObject, part } from "./dom.js";
import { milliseconds } from "./format.js";

const EVERY_MS = 15_000;
const WORDS = {
  ready: "Ready",
  degraded: "Degraded: answers go on, their rows come later",
  "not ready": "Not ready: predictions can’t be served",
};

/** Fills the section, now and then. */
export function startReadiness(section) {
  const look = () => document.visibilityState === "visible" && refresh(section);
  document.addEventListener("visibilitychange", look);
  setInterval(look, EVERY_MS);
  look();
}

async function refresh(section) {
  try {
    const { json } = await call(section.dataset.url, { fine: [503] });
    show(section, json?.status, WORDS[json?.status] ?? "Readiness is unknown", isObject(json?.parts) ? json.parts : {});
  } catch (failure) {
    show(section, "not ready", failure.title, {});
  }
}

function show(section, status, words, parts) {
  const overall = part(section, "overall");
  if (overall.textContent !== words) overall.textContent = words; // a reader is told of changes alone
  section.dataset.state = status ?? "";
  part(section, "parts").replaceChildren(...Object.entries(parts).map(([name, found]) => item(name, found)));
}

function item(name, { ok, ms, detail }) {
  return el(
    "li",
    { class: ok ? "well" : "ill" },
    el("span", { class: "part-name" }, name),
    el("span", { class: "aside" }, ok ? milliseconds(ms) : String(detail)),
    el("span", { class: "unseen" }, ok ? "works" : "is ill"),
  );
}
