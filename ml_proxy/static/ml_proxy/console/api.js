/** Calls the gateway, on this page's own origin. */

import { isObject } from "./dom.js";

/** A failed call, described for the user. `faults` is a list of {pointer, detail}; `status` is 0 without a response. */
export class Failure extends Error {
  constructor({ status = 0, title, detail = "", faults = [], requestID = "" }) {
    super(title);
    Object.assign(this, { status, title, detail, faults, requestID });
  }
}

/**
 * Calls `path` and returns the whole answer: {status, headers, text, json, ms}; `json` is undefined if it is not JSON.
 * Throws a Failure unless the status is 2xx or in `accept`.
 */
export async function call(path, { method = "GET", body, accept = [], signal } = {}) {
  const started = performance.now();
  const { response, text } = await exchange(path, { method, body, signal, headers: headersFor(method, body) });
  const answer = {
    status: response.status,
    headers: response.headers,
    text,
    json: parsed(text),
    ms: performance.now() - started,
  };
  if (!response.ok && !accept.includes(response.status)) throw failureOf(answer);
  return answer;
}

async function exchange(path, options) {
  try {
    const response = await fetch(path, { ...options, credentials: "same-origin", cache: "no-store" });
    return { response, text: await response.text() };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure({ title: "The gateway can’t be reached", detail: "Check that it is running, then try again." });
  }
}

function headersFor(method, body) {
  const headers = { Accept: "application/json", traceparent: traceparent() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const token = csrfToken();
  if (method !== "GET" && token) headers["X-CSRFToken"] = token;
  return headers;
}

/** A new trace id for each call (W3C Trace Context); the gateway propagates it up to the row. */
function traceparent() {
  return `00-${randomHex(16)}-${randomHex(8)}-01`;
}

function randomHex(size) {
  const bytes = crypto.getRandomValues(new Uint8Array(size));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Django's CSRF token, read again for each call because it changes at sign-in. */
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

/** Builds a Failure from a problem of the gateway (RFC 9457), or from a model's error in an unknown format. */
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
  const message = isObject(json) ? (json.detail ?? json.message ?? json.error) : text.slice(0, 300);
  return new Failure({
    status,
    title: isObject(json) ? (status < 500 ? "The model refused the request" : "The model failed") : "No usable answer",
    detail: typeof message === "string" ? message : "",
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
