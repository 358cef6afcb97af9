import { createMlProxy } from "@ml-proxy/client";
import { askToSignIn } from "./sign-in";

/** The client of the gateway's API. Every call throws a `ProblemError` for an answer that is no success. */
export const client = createMlProxy({ fetch: sendSignedIn });
/** Its typed calls: `api.GET("/ml/v1/history/", …)`. */
export const { api } = client;

/** After a 401 it asks for a sign-in and sends the request again, so that no form loses what was typed. */
async function sendSignedIn(request: Request): Promise<Response> {
  request.headers.set("traceparent", traceparent());
  const again = request.clone();
  const response = await fetch(request);
  if (response.status !== 401 || !(await askToSignIn())) return response;
  const token = document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1]; // a sign-in changes it
  if (token && again.headers.has("X-CSRFToken")) again.headers.set("X-CSRFToken", token);
  return fetch(again);
}

/** Calls without that question: for the sign-in itself. */
export const withoutQuestion = createMlProxy();

/** A new trace for each call (W3C Trace Context); the gateway carries it on, up to the row. */
function traceparent(): string {
  return `00-${randomHex(16)}-${randomHex(8)}-01`;
}

/** Random bytes in hexadecimal. `crypto.randomUUID` is there in secure contexts only. */
export function randomHex(size: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(size));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
