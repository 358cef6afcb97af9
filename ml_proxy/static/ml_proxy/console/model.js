/** Shows the model: name, version, metrics, and the example for the form. */

import { call } from "./api.js";
import { el, fact, fold, isObject, part } from "./dom.js";
import { figure, when } from "./format.js";
import { problem } from "./problem.js";

/** Loads the model info and passes the example to the form. */
export async function startModel(section, { example }) {
  const out = part(section, "out");
  try {
    const { json } = await call(section.dataset.url);
    const listed = Array.isArray(json?.models) ? json.models.filter(isObject) : [];
    const models = listed.length ? listed : [isObject(json) ? json : {}];
    const facts = el("div", {});
    const show = (model) => {
      facts.replaceChildren(...described(model));
      if (isObject(model.example)) example(model.example);
    };
    out.replaceChildren(...(models.length > 1 ? [choice(models, show)] : []), facts);
    show(models[0]);
  } catch (failure) {
    const retry = () => startModel(section, { example });
    out.replaceChildren(problem(failure), el("button", { type: "button", onclick: retry }, "Try again"));
  }
}

/** A select for one of several models; the choice is shown and its example passed to the form. */
function choice(models, show) {
  const options = models.map(({ name }, index) => el("option", { value: index }, text(name) || `Model ${index + 1}`));
  const select = el("select", { id: "of-models" }, options);
  select.addEventListener("change", () => show(models[Number(select.value)]));
  return el("div", { class: "field" }, el("label", { for: "of-models", class: "visually-hidden" }, "Model"), select);
}

function described(model) {
  const { name, version, task, classes, metrics, trained_at: trainedAt, input_schema: schema, lineage } = model;
  return [
    el("p", { class: "model-name" }, text(name) || "Unnamed model", version ? el("span", {}, `version ${version}`) : null),
    el(
      "dl",
      {},
      fact("Task", text(task)),
      fact("Classes", Array.isArray(classes) ? classes.map(String).join(", ") : ""),
      fact("Trained", trainedAt ? el("time", { datetime: trainedAt }, when(trainedAt)) : ""),
      isObject(metrics) ? figures(metrics) : [],
    ),
    schema ? fold("Input schema", JSON.stringify(schema, null, 2)) : null,
    lineage ? fold("Lineage", JSON.stringify(lineage, null, 2)) : null,
  ].filter(Boolean);
}

function figures(metrics) {
  return Object.entries(metrics)
    .filter(([, value]) => typeof value === "number")
    .flatMap(([name, value]) => fact(el("code", {}, name), figure(value), { class: "figure" }));
}

function text(value) {
  return typeof value === "string" ? value : "";
}
