import type { Plugin, Rolldown } from "vite";

const PAGE = /\/src\/pages\/([\w-]+)\/(index|record)\.tsx$/;
const LANGUAGES = ["en", "ko"];
export const FILE = "preloads.json";

/**
 * Writes which scripts each page needs besides those of `index.html`, by language. The gateway names them in the page, so
 * that a browser without a cache asks for all of them at once. `later` has the modules of a page that it loads by itself as
 * soon as it runs, by paths below `src/`.
 */
export function preloads(later: Record<string, readonly string[]>): Plugin {
  let base = "/";
  return {
    name: "preloads",
    apply: "build",
    configResolved(config) {
      base = config.base;
    },
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((each) => each.type === "chunk");
      const byModule = (end: string) => chunks.find((each) => each.facadeModuleId?.endsWith(`/src/${end}`));
      const entry = chunks.find((each) => each.isEntry);
      const known = new Set(entry && withImports(entry, bundle));
      const pages: Record<string, Record<string, string[]>> = {};
      for (const page of chunks) {
        const [, name = "", part] = page.facadeModuleId?.match(PAGE) ?? [];
        if (!name) continue;
        const address = part === "index" ? name : `${name}/${part}`;
        pages[address] = Object.fromEntries(
          LANGUAGES.map((language) => {
            const catalogues = ["", `pages/${name}/`].map((folder) => byModule(`${folder}locales/${language}.po`));
            const wanted = [...catalogues, page, ...(later[address] ?? []).map(byModule)].filter((each) => !!each);
            const files = new Set(wanted.flatMap((each) => withImports(each, bundle)));
            return [language, [...files].filter((file) => !known.has(file)).map((file) => base + file)];
          }),
        );
      }
      this.emitFile({ type: "asset", fileName: FILE, source: `${JSON.stringify(pages, null, 1)}\n` });
    },
  };
}

/** The file of a chunk, and those of all that it imports. */
function withImports(chunk: Rolldown.OutputChunk, bundle: Rolldown.OutputBundle): string[] {
  const found = new Set<string>();
  const add = (name: string) => {
    const each = bundle[name];
    if (each?.type !== "chunk" || found.has(name)) return;
    found.add(name);
    each.imports.forEach(add);
  };
  add(chunk.fileName);
  return [...found];
}
