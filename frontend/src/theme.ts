import { remember, remembered, Store } from "./lib/store";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const system = matchMedia("(prefers-color-scheme: dark)");
export const theme = new Store<Theme>(THEMES.find((name) => name === remembered("theme")) ?? "system");

/** Applies the chosen colour scheme, and follows the system's if that was chosen. */
export function startTheme(): void {
  apply();
  theme.subscribe(apply);
  system.addEventListener("change", apply);
}

export function setTheme(chosen: Theme): void {
  remember("theme", chosen);
  theme.set(chosen);
}

function apply(): void {
  const isDark = theme.get() === "dark" || (theme.get() === "system" && system.matches);
  document.documentElement.classList.toggle("dark", isDark);
}
