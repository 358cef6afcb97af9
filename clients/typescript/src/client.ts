import createOpenApiClient, { type Client } from "openapi-fetch";

import { type Authentication, authenticated } from "./authentication.js";
import { problemOf } from "./problem.js";
import type { paths } from "./schema.js";

export interface Options extends Authentication {
  /** The gateway's origin, such as `https://gateway.example`. Default: the page's own. */
  baseUrl?: string;
  /** Sends a request. Default: the platform's `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

/** The API: `api.GET("/ml/v1/history/", …)` and its like are typed by the gateway's OpenAPI description. */
export interface MlProxy {
  readonly api: Client<paths>;
  /** The gateway's origin, without a slash at its end. */
  readonly baseUrl: string;
  /** Sends one request with the credentials. Throws `ProblemError` for an answer that is not a success. */
  send(path: string, init?: RequestInit): Promise<Response>;
}

/** Makes a client. Each of its calls throws `ProblemError` for an answer that is not a success. */
export function createMlProxy({ baseUrl = ownOrigin(), fetch = globalFetch, ...authentication }: Options = {}): MlProxy {
  const origin = baseUrl.replace(/\/+$/, "");
  const call = async (request: Request): Promise<Response> => {
    const response = await fetch(await authenticated(request, authentication));
    if (!response.ok) throw await problemOf(response);
    return response;
  };
  return {
    api: createOpenApiClient<paths>({ baseUrl: origin, fetch: call }),
    baseUrl: origin,
    send: (path, init) => call(new Request(within(path, origin), init)),
  };
}

/**
 * The URL of a path or of an absolute URL that the gateway sent.
 *
 * Behind a proxy the gateway may know itself by another origin than the caller does; so only the path of its URLs counts,
 * and no URL in an answer can send the credentials to another server.
 */
export function within(pathOrUrl: string, origin: string): string {
  const url = new URL(pathOrUrl, origin || "http://relative.invalid");
  return `${origin}${url.pathname}${url.search}`;
}

function ownOrigin(): string {
  return typeof location === "undefined" ? "" : location.origin;
}

function globalFetch(request: Request): Promise<Response> {
  return globalThis.fetch(request);
}
