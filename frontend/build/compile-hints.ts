import type { Plugin } from "vite";

/**
 * Asks V8 to compile all functions of these chunks while they arrive, on another thread. Otherwise the main thread compiles
 * each function at its first call, which is much of its work until the form is there.
 */
export function compileHints(names: readonly string[]): Plugin {
  return {
    name: "compile-hints",
    apply: "build",
    generateBundle: {
      order: "post", // the comment must be the first line
      handler(_, bundle) {
        for (const chunk of Object.values(bundle)) {
          if (chunk.type !== "chunk" || !names.includes(chunk.name)) continue;
          chunk.code = `//# allFunctionsCalledOnLoad\n${chunk.code}`;
        }
      },
    },
  };
}
