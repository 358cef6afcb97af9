const LINK = /<([^>]*)>((?:\s*;\s*[^\s;,="]+(?:\s*=\s*(?:"[^"]*"|[^\s;,"]+))?)*)/g;

/** The URL that a `Link` field (RFC 8288) names as the next page; null if there is none. */
export function nextUrl(field: string | null): string | null {
  for (const [, url, parameters] of (field ?? "").matchAll(LINK)) {
    if (/;\s*rel\s*=\s*(?:next\b|"(?:[^"]*\s)?next(?:\s[^"]*)?")(?!\w)/i.test(parameters ?? "")) return url ?? null;
  }
  return null;
}

/** The cursor in the next page's URL; null on the last page. */
export function nextCursor(field: string | null): string | null {
  const url = nextUrl(field);
  return url === null ? null : new URL(url, "http://relative.invalid").searchParams.get("cursor");
}
