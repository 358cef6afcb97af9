import { type MlProxy, type Options, createMlProxy } from "../src/index.js";

/** A client whose requests a function answers; `sent` collects them. */
export function scripted(
  answer: (request: Request) => Response | Promise<Response>,
  options: Options = {},
): { client: MlProxy; sent: Request[] } {
  const sent: Request[] = [];
  const fetch = async (request: Request) => {
    sent.push(request);
    return answer(request);
  };
  return { client: createMlProxy({ baseUrl: "https://gateway.example", fetch, ...options }), sent };
}

export function json(body: unknown, init: ResponseInit = {}): Response {
  const headers = new Headers(init.headers);
  if (!headers.has("Content-Type")) headers.set("Content-Type", "application/json");
  return new Response(JSON.stringify(body), { ...init, headers });
}

export function problem(status: number, headers: Record<string, string> = {}, more: object = {}): Response {
  const body = { type: "about:blank", title: "Title", status, detail: "Do this.", request_id: "r-1", ...more };
  return json(body, { status, headers: { "Content-Type": "application/problem+json", ...headers } });
}
