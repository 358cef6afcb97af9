/** Feedback on one inference: the model was right, or the correct label. The newest verdict counts. */

import { call, Failure } from "./api.js";
import { el } from "./dom.js";
import { when } from "./format.js";
import { problem } from "./problem.js";

let forms = 0;

/** Returns the form for the inference at `recordURL`; it suggests `labels`, and accepts any other. */
export function verdictForm(recordURL, labels) {
  forms += 1;
  const ids = { label: `label-${forms}`, suggestions: `suggestions-${forms}` };
  const url = `${recordURL}feedback/`;
  const status = el("p", { class: "aside", role: "status" });
  const label = el("input", { id: ids.label, list: ids.suggestions, autocomplete: "off", spellcheck: "false", dir: "auto" });
  const send = async (feedback) => {
    try {
      const { json } = await call(url, { method: "POST", body: JSON.stringify(feedback) });
      status.replaceChildren(described(json));
    } catch (failure) {
      status.replaceChildren(failureMessage(failure));
    }
  };
  const form = el(
    "form",
    { method: "post", class: "verdict", autocomplete: "off", novalidate: true },
    el("button", { type: "button", onclick: () => send({ verdict: "agree" }) }, "The model is right"),
    el("div", { class: "field" }, el("label", { for: ids.label }, "No, it is"), label),
    el("button", { type: "submit" }, "Correct it"),
    el("datalist", { id: ids.suggestions }, labels.map((value) => el("option", { value }))),
    status,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (label.value.trim()) send({ verdict: "correct", label: label.value.trim() });
    else label.focus();
  });
  showNewest(url, status);
  return form;
}

async function showNewest(url, status) {
  try {
    const { json } = await call(url);
    if (json.length && !status.hasChildNodes()) status.replaceChildren(described(json[0]));
  } catch (failure) {
    status.replaceChildren(failureMessage(failure));
  }
}

function described({ verdict, label, created_at: createdAt }) {
  const text = verdict === "agree" ? `The model was right${label ? `: ${label}` : ""}` : `Corrected: ${label}`;
  return `${text}; given ${when(createdAt)}`;
}

function failureMessage(failure) {
  if (!(failure instanceof Failure)) throw failure;
  return failure.status === 403 ? "You have no permission for feedback." : problem(failure);
}
