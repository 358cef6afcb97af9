/** A doctor's word on one inference: the model was right, or what it is instead. The newest one counts. */

import { call, Failure } from "./api.js";
import { el } from "./dom.js";
import { when } from "./format.js";
import { problem } from "./problem.js";

let forms = 0;

/** The form for the inference whose record is at `recordURL`; `labels` are offered, any other can be written. */
export function verdict(recordURL, labels) {
  forms += 1;
  const ids = { label: `label-${forms}`, offered: `offered-${forms}` };
  const url = `${recordURL}feedback/`;
  const told = el("p", { class: "aside", role: "status" });
  const label = el("input", { id: ids.label, list: ids.offered, autocomplete: "off", spellcheck: "false", dir: "auto" });
  const send = async (given) => {
    try {
      const { json } = await call(url, { method: "POST", body: JSON.stringify(given) });
      told.replaceChildren(said(json));
    } catch (failure) {
      told.replaceChildren(shown(failure));
    }
  };
  const form = el(
    "form",
    { method: "post", class: "verdict", autocomplete: "off", novalidate: true },
    el("button", { type: "button", onclick: () => send({ verdict: "agree" }) }, "The model is right"),
    el("div", { class: "field" }, el("label", { for: ids.label }, "No, it is"), label),
    el("button", { type: "submit" }, "Correct it"),
    el("datalist", { id: ids.offered }, labels.map((one) => el("option", { value: one }))),
    told,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (label.value.trim()) send({ verdict: "correct", label: label.value.trim() });
    else label.focus();
  });
  tellNewest(url, told);
  return form;
}

async function tellNewest(url, told) {
  try {
    const { json } = await call(url);
    if (json.length && !told.hasChildNodes()) told.replaceChildren(said(json[0]));
  } catch (failure) {
    told.replaceChildren(shown(failure));
  }
}

function said({ verdict: word, label, created_at: createdAt }) {
  const held = word === "agree" ? `The model was right${label ? `: ${label}` : ""}` : `Corrected: ${label}`;
  return `${held}; judged ${when(createdAt)}`;
}

function shown(failure) {
  if (!(failure instanceof Failure)) throw failure;
  return failure.status === 403 ? "Judging is not among your permissions." : problem(failure);
}
