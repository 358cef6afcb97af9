/** One call of the gateway, on this page's own origin. */

import { isObject } from "./dom.js";

/** What went wrong, in words for a reader. `faults` is a list of {pointer, detail}; `status` is 0 without an answer. */
export class Failure extends Error {
  constructor({ status = 0, title, detail = "", faults = [], requestID = "" }) {
    super(title);
    Object.assign(this, { status, title, detail, faults, requestID });
  }
}

/**
 * Calls `path` and reads the whole answer: {status, headers, text, json, ms}; `json` is undefined where it is none.
 * Throws a Failure unless the status is 2xx or among `fine`.
 */
export async function call(path, { method = "GET", body, fine = [], signal } = {}) {
  const started = performance.now();
  const { response, text } = await exchange(path, { method, body, signal, headers: headersFor(method, body) });
  const answer = {
    status: response.status,
    headers: response.headers,
    text,
    json: parsed(text),
    ms: performance.now() - started,
  };
  if (!response.ok && !fine.includes(response.status)) throw failureOf(answer);
  return answer;
}

async function exchange(path, options) {
  try {
    const response = await fetch(path, { ...options, credentials: "same-origin", cache: "no-store" });
    return { response, text: await response.text() };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure({ title: "The gateway can’t be reached", detail: "See that it runs, then try again." });
  }
}

function headersFor(method, body) {
  const headers = { Accept: "application/json", traceparent: traceparent() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const token = csrfToken();
  if (method !== "GET" && token) headers["X-CSRFToken"] = token;
  return headers;
}

/** A trace of its own for each call (W3C Trace Context), which the gateway carries on as far as the row. */
function traceparent() {
  return `00-${randomHex(16)}-${randomHex(8)}-01`;
}

function randomHex(size) {
  const bytes = crypto.getRandomValues(new Uint8Array(size));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Django's token, read anew for each call: it changes when someone signs in. */
function csrfToken() {
  return document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1] ?? "";
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A problem of the gateway (RFC 9457), or an error in the model's own words, which are only guessed at. */
function failureOf({ status, headers, json, text }) {
  const requestID = headers.get("X-Request-ID") ?? "";
  if (headers.get("Content-Type")?.startsWith("application/problem+json") && isObject(json)) {
    return new Failure({
      status,
      title: json.title ?? `Status ${status}`,
      detail: json.detail,
      faults: json.errors,
      requestID: json.request_id ?? requestID,
    });
  }
  const said = isObject(json) ? (json.detail ?? json.message ?? json.error) : text.slice(0, 300);
  return new Failure({
    status,
    title: isObject(json) ? (status < 500 ? "The model does not take this" : "The model failed") : "No usable answer",
    detail: typeof said === "string" ? said : "",
    faults: modelFaults(json),
    requestID,
  });
}

function modelFaults(json) {
  const listed = isObject(json) ? (json.fields ?? json.errors) : null;
  if (!Array.isArray(listed)) return [];
  return listed
    .filter(isObject)
    .map((fault) => ({ pointer: fault.pointer ?? fault.field ?? "", detail: fault.detail ?? fault.message ?? "" }));
}
