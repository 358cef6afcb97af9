/** Rows of the log as a table. Patients' names are drawn only where somebody asked to see them. */

import { gauge, labelsOf, predictionsOf } from "./bars.js";
import { el, fact, isObject } from "./dom.js";
import { figure, milliseconds, share, when } from "./format.js";
import { verdict } from "./verdict.js";

/** The table for `rows`; `url` is the list's path, under which each row has its own. */
export function table(rows, { withPatients, url }) {
  const heads = ["When", "Doctor", withPatients ? "Patient" : null, "Answer", "Model", "Took", "More"].filter(Boolean);
  return el(
    "table",
    {},
    el("caption", { class: "unseen" }, "Inferences, newest first"),
    el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, rows.flatMap((row) => entry(row, { withPatients, url, width: heads.length }))),
  );
}

/** What is shown where nothing matches. */
export function empty() {
  return el("p", { class: "empty" }, "Nothing in the log matches. Names must be whole; a new row takes up to a second.");
}

function entry(row, { withPatients, url, width }) {
  const more = el("tr", { class: "more", hidden: true }, el("td", { colspan: width }));
  const toggle = el("button", { type: "button", class: "small", "aria-expanded": "false" }, "Open");
  toggle.setAttribute("aria-description", `The inference of ${when(row.predicted_at)}`);
  toggle.addEventListener("click", () => {
    more.hidden = !more.hidden;
    toggle.setAttribute("aria-expanded", String(!more.hidden));
    toggle.textContent = more.hidden ? "Open" : "Close";
    more.firstChild.replaceChildren(...(more.hidden ? [] : details(row, { withPatients, url })));
  });
  return [el("tr", {}, cells(row, withPatients), cell("More", toggle)), more];
}

function cells(row, withPatients) {
  return [
    cell("When", el("time", { datetime: row.predicted_at }, when(row.predicted_at))),
    cell("Doctor", el("bdi", {}, row.doctor_name)),
    withPatients ? cell("Patient", el("bdi", {}, row.patient_name)) : null,
    cell("Answer", answer(row.output_data)),
    cell("Model", [row.model_name, row.model_version].filter(Boolean).join(" ") || "–"),
    cell("Took", milliseconds(row.latency_ms), "figure"),
  ].filter(Boolean);
}

function cell(head, content, kind = "") {
  return el("td", { "data-head": head, class: kind || null }, content);
}

function answer(output) {
  const [surest] = predictionsOf(output);
  if (!surest) return el("span", { class: "aside" }, "see more");
  return el(
    "span",
    { class: "brief" },
    el("span", { dir: "auto" }, String(surest.label)),
    gauge(surest.confidence),
    el("span", { class: "figure" }, share(surest.confidence)),
  );
}

function details(row, { withPatients, url }) {
  const input = withPatients || !isObject(row.input_data) ? row.input_data : { ...row.input_data, patient_name: "(not shown)" };
  return [
    el(
      "dl",
      {},
      fact("Inference", el("code", {}, row.id)),
      fact("Request", el("code", {}, row.request_id)),
      fact("Written", when(row.created_at)),
      fact("Caller", row.caller),
      fact("Files", row.files ? el("ul", {}, row.files.map(file)) : ""),
    ),
    el(
      "div",
      { class: "pair" },
      el("div", {}, el("h3", {}, "Input"), el("pre", { tabindex: "0" }, JSON.stringify(input, null, 2))),
      el("div", {}, el("h3", {}, "Output"), el("pre", { tabindex: "0" }, JSON.stringify(row.output_data, null, 2))),
    ),
    verdict(`${url}${row.id}/`, labelsOf(predictionsOf(row.output_data))),
    el("p", { class: "aside" }, el("a", { href: `${url}${row.id}/` }, "The row as the API gives it"), ", names and all."),
  ];
}

/** A file of the input: its link holds for some minutes, then the row has to be looked up anew. */
function file({ filename, bytes, url }) {
  return el("li", {}, el("a", { href: url, rel: "noreferrer" }, filename), ` ${figure(bytes)} bytes`);
}
