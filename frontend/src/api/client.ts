import { createMlProxy } from "@ml-proxy/client";
import { askToSignIn } from "./sign-in";

/** The client of the gateway's API. Every call throws a `ProblemError` for an answer that is no success. */
export const client = createMlProxy({ fetch: sendSignedIn });
/** Its typed calls: `api.GET("/ml/v1/history/", …)`. */
export const { api } = client;

/** After a 401 it asks for a sign-in and sends the request again, so that no form loses what was typed. */
async function sendSignedIn(request: Request): Promise<Response> {
  const again = request.clone();
  const response = await fetch(request);
  if (response.status !== 401 || !(await askToSignIn())) return response;
  const token = document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1]; // a sign-in changes it
  if (token && again.headers.has("X-CSRFToken")) again.headers.set("X-CSRFToken", token);
  return fetch(again);
}

/** Calls without that question: for the sign-in itself. */
export const withoutQuestion = createMlProxy();
