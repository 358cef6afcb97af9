/** The model's answer: its labels with their confidence, what it took, and what became of its record. */

import { call } from "./api.js";
import { bars, labelsOf, predictionsOf } from "./bars.js";
import { el, fact, fold, isObject, part } from "./dom.js";
import { milliseconds, when } from "./format.js";
import { problem } from "./problem.js";
import { verdict } from "./verdict.js";

const LOOKS_MS = [300, 500, 1000, 2000, 4000, 8000]; // a row follows its answer within a second, as a rule
let latest = 0;

/** Something is under way. */
export function showWaiting(section) {
  latest += 1;
  section.setAttribute("aria-busy", "true");
  part(section, "out").replaceChildren(el("p", { class: "empty" }, "The model is asked…"));
}

/** It went wrong. */
export function showFailure(section, failure) {
  show(section, problem(failure));
}

/** It went well. `recordURL` tells where a record with an id can be read; `lookUp` shows what else there is. */
export function showAnswer(section, answer, { recordURL, lookUp }) {
  const id = answer.headers.get("X-Inference-ID") ?? "";
  const predictions = predictionsOf(answer.json);
  const model = isObject(answer.json?.model) ? answer.json.model : {};
  const record = el("dd", {}, id ? "kept; its row is being written…" : "none");
  const judging = el("div", {});
  show(
    section,
    ...(predictions.length ? bars(predictions) : []),
    el(
      "dl",
      {},
      fact("Answered by", [model.name, model.version].filter(Boolean).join(" ")),
      fact("Round trip", milliseconds(answer.ms), { class: "figure" }),
      fact("Inference", id ? el("a", { href: recordURL(id) }, el("code", {}, id)) : ""),
      el("dt", {}, "Record"),
      record,
    ),
    rawFold(answer, predictions),
    judging,
    el("p", {}, el("button", { type: "button", onclick: lookUp }, "This patient’s history")),
  );
  if (!id) return;
  const judge = () => judging.replaceChildren(verdict(recordURL(id), labelsOf(predictions)));
  followRecord(record, recordURL(id), { mine: latest, judge });
}

/** On a narrow screen the answer stands below the form: bring it into sight. */
function show(section, ...content) {
  section.removeAttribute("aria-busy");
  part(section, "out").replaceChildren(...content);
  section.scrollIntoView({ block: "nearest" });
}

function rawFold(answer, predictions) {
  const made = fold("The answer as it came", answer.text);
  made.open = !predictions.length;
  return made;
}

/** Looks for the row until it is there, another answer is shown, or nobody can expect it any more. */
async function followRecord(place, url, { mine, judge }) {
  const started = performance.now();
  for (const pause of LOOKS_MS) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (mine !== latest) return;
    try {
      const { status, json } = await call(url, { fine: [404] });
      if (status === 404) continue;
      place.textContent = `row written ${when(json.created_at)}; the model took ${milliseconds(json.latency_ms)}`;
      judge(); // a verdict is about a row
    } catch (failure) {
      place.textContent = failure.status === 403 ? "kept; you may not read the log" : "kept; the log can’t be read now";
    }
    return;
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  place.textContent = `kept; no row after ${seconds} s. It follows once the workers and the database are well.`;
}
