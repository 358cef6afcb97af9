/** Shows the model's answer: labels with their confidence, timing, and the state of its record. */

import { call } from "./api.js";
import { bars, labelsOf, predictionsOf } from "./bars.js";
import { el, fact, fold, isObject, part } from "./dom.js";
import { milliseconds, when } from "./format.js";
import { problem } from "./problem.js";
import { verdictForm } from "./verdict.js";

const POLL_MS = [300, 500, 1000, 2000, 4000, 8000]; // the row is usually written within a second
let latest = 0;

/** Shows that a request is running. */
export function showWaiting(section) {
  latest += 1;
  section.setAttribute("aria-busy", "true");
  part(section, "out").replaceChildren(el("p", { class: "empty" }, "Waiting for the model…"));
}

/** Shows a failure. */
export function showFailure(section, failure) {
  show(section, problem(failure));
}

/** Shows an answer. `recordURL` returns the URL of the record with an id; `lookUp` shows the patient's history. */
export function showAnswer(section, answer, { recordURL, lookUp }) {
  const id = answer.headers.get("X-Inference-ID") ?? "";
  const predictions = predictionsOf(answer.json);
  const model = isObject(answer.json?.model) ? answer.json.model : {};
  const record = el("dd", {}, id ? "saved; its row is being written…" : "none");
  const feedback = el("div", {});
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
    feedback,
    el("p", {}, el("button", { type: "button", onclick: lookUp }, "This patient’s history")),
  );
  if (!id) return;
  const onRow = () => feedback.replaceChildren(verdictForm(recordURL(id), labelsOf(predictions)));
  followRecord(record, recordURL(id), { request: latest, onRow });
}

/** Replaces the content. On a narrow screen the answer is below the form, so it is scrolled into view. */
function show(section, ...content) {
  section.removeAttribute("aria-busy");
  part(section, "out").replaceChildren(...content);
  section.scrollIntoView({ block: "nearest" });
}

function rawFold(answer, predictions) {
  const details = fold("The raw answer", answer.text);
  details.open = !predictions.length;
  return details;
}

/** Polls for the row until it exists, another answer is shown, or the last attempt has failed. */
async function followRecord(target, url, { request, onRow }) {
  const started = performance.now();
  for (const pause of POLL_MS) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (request !== latest) return;
    try {
      const { status, json } = await call(url, { accept: [404] });
      if (status === 404) continue;
      target.textContent = `row written ${when(json.created_at)}; the model took ${milliseconds(json.latency_ms)}`;
      onRow(); // feedback needs the row
    } catch (failure) {
      target.textContent =
        failure.status === 403 ? "saved; you have no permission to read the log" : "saved; the log is unavailable";
    }
    return;
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  target.textContent = `saved; no row after ${seconds} s. It is written once the workers and the database work again.`;
}
