/** Looks up the log by full names, page by page. Names are only in the API call, never in this page's URL. */

import { call, Failure } from "./api.js";
import { part } from "./dom.js";
import { problem } from "./problem.js";
import { empty, table } from "./rows.js";

/** Sets up the section. The returned `lookUp` fills the form and starts a lookup. */
export function startHistory(section) {
  const lookup = new Lookup(section);
  const form = section.querySelector("form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    lookup.begin();
  });
  section.querySelector("#show-patients").addEventListener("change", () => lookup.show());
  part(section, "older").addEventListener("click", () => lookup.older());
  part(section, "newer").addEventListener("click", () => lookup.newer());
  form.querySelector("[type=submit]").disabled = false;
  return {
    lookUp({ doctor, patient }) {
      section.querySelector("#by-doctor").value = doctor;
      section.querySelector("#by-patient").value = patient;
      section.scrollIntoView();
      section.focus({ preventScroll: true });
      lookup.begin();
    },
  };
}

/** One lookup: the URLs of the pages seen so far, and the rows of the current page. */
class Lookup {
  constructor(section) {
    this.section = section;
    this.controller = new AbortController();
    this.pages = [];
    this.rows = null;
    this.next = "";
  }

  begin() {
    const query = new URLSearchParams({ limit: this.field("#rows") });
    for (const name of ["doctor", "patient"]) {
      if (this.field(`#by-${name}`).trim()) query.set(name, this.field(`#by-${name}`));
    }
    this.go([`${this.section.dataset.url}?${query}`]);
  }

  older() {
    if (this.next) this.go([...this.pages, this.next]);
  }

  newer() {
    if (this.pages.length > 1) this.go(this.pages.slice(0, -1));
  }

  async go(pages) {
    this.controller.abort(); // a new lookup replaces the one that is running
    this.controller = new AbortController();
    this.section.setAttribute("aria-busy", "true");
    try {
      const answer = await call(pages.at(-1), { signal: this.controller.signal });
      Object.assign(this, { pages, rows: answer.json, next: nextOf(answer.headers, this.section.dataset.url) });
      this.show();
      this.announce(`${this.rows.length} rows, page ${pages.length}`);
    } catch (failure) {
      if (failure.name === "AbortError") return;
      if (!(failure instanceof Failure)) throw failure;
      this.rows = null;
      part(this.section, "out").replaceChildren(problem(failure));
      part(this.section, "pager").hidden = part(this.section, "files").hidden = true;
    }
    this.section.removeAttribute("aria-busy");
  }

  /** Renders the current rows. */
  show() {
    if (!this.rows) return;
    const withPatients = this.section.querySelector("#show-patients").checked;
    const content = this.rows.length ? table(this.rows, { withPatients, url: this.section.dataset.url }) : empty();
    part(this.section, "out").replaceChildren(content);
    part(this.section, "pager").hidden = this.pages.length === 1 && !this.next;
    part(this.section, "newer").disabled = this.pages.length === 1;
    part(this.section, "older").disabled = !this.next;
    part(this.section, "page").textContent = `Page ${this.pages.length}`;
    this.offerFiles();
  }

  /** Links to export files of all rows that match, not only of this page. */
  offerFiles() {
    const query = new URLSearchParams(this.pages[0].slice(this.pages[0].indexOf("?")));
    query.delete("limit");
    for (const link of part(this.section, "files").querySelectorAll("a")) {
      query.set("format", link.dataset.format);
      query.delete("bom");
      if (link.dataset.bom) query.set("bom", link.dataset.bom);
      link.href = `${link.pathname}?${query}`;
    }
    part(this.section, "files").hidden = !this.rows.length;
  }

  announce(text) {
    part(this.section, "status").textContent = text;
  }

  field(selector) {
    return this.section.querySelector(selector).value;
  }
}

/** Returns the path and query of the next page in the Link header (RFC 8288), if it belongs to the same list. */
function nextOf(headers, path) {
  const found = (headers.get("Link") ?? "").match(/<([^>]*)>\s*;[^,]*\brel="?next"?/);
  if (!found) return "";
  const url = new URL(found[1], location.href); // behind a proxy, scheme and host may be internal ones
  return url.pathname === path ? url.pathname + url.search : "";
}
