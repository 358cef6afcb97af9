import { expect, test } from "vitest";

import { nextCursor, nextUrl } from "../src/index.js";

test.each([
  ['<https://a.example/x/?cursor=a%2Bb&limit=2>; rel="next"', "a+b"],
  ["</x/?cursor=c>; rel=next", "c"],
  ['</x/?cursor=p>; rel="prev", </x/?cursor=n>; title="a, b"; rel="last next"', "n"],
])("%s names a next page", (field, cursor) => {
  expect(nextCursor(field)).toBe(cursor);
});

test.each([null, "", '</x/?cursor=p>; rel="prev"', '</x/?cursor=p>; rel="nextish"'])("%s names none", (field) => {
  expect(nextUrl(field)).toBeNull();
  expect(nextCursor(field)).toBeNull();
});
