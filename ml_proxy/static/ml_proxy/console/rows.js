/** Shows rows of the log as a table. Patients' names are shown only if the user chose so. */

import { gauge, labelsOf, predictionsOf } from "./bars.js";
import { el, fact, isObject } from "./dom.js";
import { figure, milliseconds, share, when } from "./format.js";
import { verdictForm } from "./verdict.js";

/** Returns the table for `rows`; `url` is the path of the list, and each row's path is below it. */
export function table(rows, { withPatients, url }) {
  const heads = ["When", "Doctor", withPatients ? "Patient" : null, "Answer", "Model", "Took", "More"].filter(Boolean);
  return el(
    "table",
    {},
    el("caption", { class: "visually-hidden" }, "Inferences, newest first"),
    el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, rows.flatMap((row) => entry(row, { withPatients, url, width: heads.length }))),
  );
}

/** Returns the message for an empty result. */
export function empty() {
  return el("p", { class: "empty" }, "Nothing in the log matches. Use full names; a new row takes up to a second.");
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
  const [top] = predictionsOf(output);
  if (!top) return el("span", { class: "aside" }, "see more");
  return el(
    "span",
    { class: "brief" },
    el("span", { dir: "auto" }, String(top.label)),
    gauge(top.confidence),
    el("span", { class: "figure" }, share(top.confidence)),
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
    verdictForm(`${url}${row.id}/`, labelsOf(predictionsOf(row.output_data))),
    el("p", { class: "aside" }, el("a", { href: `${url}${row.id}/` }, "The row in the API"), ", including names."),
  ];
}

/** Links to a file of the input. The link expires after some minutes; then the row must be loaded again. */
function file({ filename, bytes, url }) {
  return el("li", {}, el("a", { href: url, rel: "noreferrer" }, filename), ` ${figure(bytes)} bytes`);
}
