import { i18n, type Messages } from "@lingui/core";
import { remember, remembered } from "./lib/store";
import { messages as english } from "./locales/en.po";

export const LOCALES = { en: "English", ko: "한국어" } as const;
export type Locale = keyof typeof LOCALES;
type Catalogue = { messages: Messages };

const shells = import.meta.glob<Catalogue>("./locales/ko.po");
const pages = import.meta.glob<Catalogue>("./pages/*/locales/*.po");
const wanted = new Set<string>(); // names of the pages whose catalogues are in use

/** Activates the language that was chosen here before, else the browser's. */
export async function startLanguage(): Promise<void> {
  const chosen = remembered("language") ?? navigator.language.slice(0, 2);
  await setLanguage(chosen === "ko" ? "ko" : "en");
}

/** Loads all catalogues in use in another language, then changes to it. */
export async function setLanguage(locale: Locale): Promise<void> {
  const shell = locale === "en" ? english : (await shells[`./locales/${locale}.po`]?.())?.messages;
  const loaded = await Promise.all([...wanted].map((page) => pageMessages(page, locale)));
  i18n.loadAndActivate({ locale, messages: Object.assign({}, shell, ...loaded) });
  document.documentElement.lang = locale;
  remember("language", locale);
}

/** Loads a page's catalogue. The page's route calls this before the page is shown. */
export async function loadCatalogue(page: string): Promise<void> {
  if (wanted.has(page)) return;
  i18n.load(i18n.locale, await pageMessages(page, i18n.locale));
  wanted.add(page);
}

async function pageMessages(page: string, locale: string): Promise<Messages> {
  return (await pages[`./pages/${page}/locales/${locale}.po`]?.())?.messages ?? {};
}
