import type { LinguiConfig } from "@lingui/conf";
import { formatter } from "@lingui/format-po";

// Each page has its own catalogue, loaded with it: `src/pages/NAME/locales`. The rest has `src/locales`.
const config: LinguiConfig = {
  locales: ["en", "ko"],
  sourceLocale: "en",
  format: formatter({ lineNumbers: false, origins: false }),
  orderBy: "message",
  catalogs: [
    { path: "<rootDir>/src/pages/{name}/locales/{locale}", include: ["<rootDir>/src/pages/{name}/"] },
    {
      path: "<rootDir>/src/locales/{locale}",
      include: ["<rootDir>/src/*.{ts,tsx}", "<rootDir>/src/api/", "<rootDir>/src/components/", "<rootDir>/src/lib/"],
    },
  ],
};

export default config;
