import { createElement, type ReactNode } from "react";

/**
 * In place of a Markdown parser, a third of the form's code, that the form library imports for a few messages of its own:
 * "**name** (type, size)" and "Unknown field type `name`". All other marks are text.
 */
export function Markdown({ children }: { children: string }): ReactNode {
  const parts = children.replace(/<\/?em>/g, "").split(/(\*\*[^*]+\*\*|`[^`]+`)/);
  return parts.map((part, place) => {
    if (place % 2 === 0) return part;
    return createElement(part.startsWith("`") ? "code" : "strong", { key: place }, part.replace(/^[*`]+|[*`]+$/g, ""));
  });
}
