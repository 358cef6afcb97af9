/** How the client says who is calling. */
export interface Authentication {
  /** An API token, or a function that returns the current one. Without it the browser's session counts. */
  token?: string | (() => string | null | undefined | Promise<string | null | undefined>);
  /** The token against forged requests, for calls with a session. Default: the `csrftoken` cookie. */
  csrfToken?: () => string | null | undefined;
}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/** Adds the credentials to a request. With a token no cookie travels, so that an old session can't interfere. */
export async function authenticated(request: Request, { token, csrfToken = cookie }: Authentication): Promise<Request> {
  const value = typeof token === "function" ? await token() : token;
  if (value) {
    const signed = new Request(request, { credentials: "omit" });
    signed.headers.set("Authorization", `Bearer ${value}`);
    return signed;
  }
  const csrf = SAFE.has(request.method) ? null : csrfToken();
  if (csrf) request.headers.set("X-CSRFToken", csrf);
  return request;
}

function cookie(): string | null {
  if (typeof document === "undefined") return null;
  return cookieValue(document.cookie, "csrftoken");
}

/** The value of a cookie in `document.cookie`'s form; null if there is none. */
export function cookieValue(cookies: string, name: string): string | null {
  for (const pair of cookies.split("; ")) {
    if (pair.startsWith(`${name}=`)) return decodeURIComponent(pair.slice(name.length + 1));
  }
  return null;
}
