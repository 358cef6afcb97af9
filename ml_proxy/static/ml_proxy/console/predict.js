/** The prediction form: two names, and a JSON object that is sent exactly as typed. */

import { call, Failure } from "./api.js";
import { isObject, part } from "./dom.js";

const NAMES = ["doctor_name", "patient_name"];

/** Sets up the form. The returned `offerExample` accepts a model's example. */
export function startPredict(section, { waiting, failed, answered }) {
  const form = section.querySelector("form");
  const reset = part(section, "reset");
  const send = () => submit(section, form, { waiting, failed, answered });
  let example = "{}";

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("input", (event) => mark(event.target, ""));
  form.elements.features.addEventListener("change", ({ target }) => mark(target, faultOf(target.value)));
  reset.addEventListener("click", () => fill(form, example));
  form.querySelector("[type=submit]").disabled = false;

  return {
    /** Stores the example, and fills the form unless the user has edited it. */
    offerExample(offered) {
      const untouched = form.elements.features.value === example;
      for (const name of NAMES) if (typeof offered[name] === "string") form.elements[name].value = offered[name];
      const features = Object.entries(offered).filter(([name]) => !NAMES.includes(name));
      example = JSON.stringify(Object.fromEntries(features), null, 2);
      if (untouched) fill(form, example);
      reset.disabled = false;
    },
  };
}

function fill(form, text) {
  form.elements.features.value = text;
  mark(form.elements.features, "");
}

async function submit(section, form, { waiting, failed, answered }) {
  const button = form.querySelector("[type=submit]");
  const { doctor_name: doctor, patient_name: patient, features } = form.elements;
  if (button.disabled || !check(form)) return;
  button.disabled = true;
  waiting();
  try {
    const body = bodyOf(doctor.value, patient.value, features.value);
    answered(await call(section.dataset.url, { method: "POST", body }), { patient: patient.value });
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    for (const { pointer, detail } of failure.faults ?? []) {
      if (NAMES.includes(pointer.slice(1))) mark(form.elements[pointer.slice(1)], detail);
    }
    failed(failure);
  } finally {
    button.disabled = false;
  }
}

/** Prepends the names to the features' text, unparsed: parsing and encoding it again would change large numbers. */
function bodyOf(doctor, patient, features) {
  const names = JSON.stringify({ doctor_name: doctor, patient_name: patient }).slice(0, -1);
  const rest = features.trim().slice(1);
  return rest.trim() === "}" ? `${names}}` : `${names},${rest}`;
}

/** Marks invalid fields, focuses the first one, and returns whether all fields are valid. */
function check(form) {
  const faults = [...NAMES.map((name) => [name, form.elements[name].value.trim() ? "" : "Enter a name."])];
  faults.push(["features", faultOf(form.elements.features.value)]);
  for (const [name, fault] of faults) mark(form.elements[name], fault);
  const first = faults.find(([, fault]) => fault);
  if (first) form.elements[first[0]].focus();
  return !first;
}

function faultOf(text) {
  try {
    return isObject(JSON.parse(text)) ? "" : "This must be a JSON object, { … }.";
  } catch (error) {
    return `This is not JSON: ${error.message}`;
  }
}

function mark(input, fault) {
  const message = document.getElementById(`${input.id}-fault`);
  if (!message) return;
  message.textContent = fault;
  if (fault) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}
