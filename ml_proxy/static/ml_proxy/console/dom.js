/** Builds elements. Text from models and people is always inserted as text, never as markup. */

/** Creates an element with properties (`class`, `on…` handlers, attributes) and children (elements, strings or null). */
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** Returns the section's element with this `data-part`. */
export function part(section, name) {
  return section.querySelector(`[data-part="${name}"]`);
}

/** Returns a term and its value for a `dl`; nothing if the value is empty. */
export function fact(term, value, properties = {}) {
  if (value === null || value === undefined || value === "") return [];
  return [el("dt", {}, term), el("dd", properties, value)];
}

/** Returns a closed `details` element with preformatted text. */
export function fold(title, text) {
  return el("details", {}, el("summary", {}, title), el("pre", { tabindex: "0" }, text));
}

/** Whether a value is a JSON object. */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
