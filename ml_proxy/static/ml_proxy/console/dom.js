/** Builds elements. Whatever a model or a person wrote becomes text, never markup. */

/** An element with properties (`class`, `on…` handlers, attributes) and children: elements, texts, null for none. */
export function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** The element of a section that is marked with `data-part`. */
export function part(section, name) {
  return section.querySelector(`[data-part="${name}"]`);
}

/** A term and what it is, for a `dl`; nothing where there is nothing to tell. */
export function fact(term, value, properties = {}) {
  if (value === null || value === undefined || value === "") return [];
  return [el("dt", {}, term), el("dd", properties, value)];
}

/** A closed fold over a text in its own layout. */
export function fold(title, text) {
  return el("details", {}, el("summary", {}, title), el("pre", { tabindex: "0" }, text));
}

/** Whether a value is a JSON object. */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
