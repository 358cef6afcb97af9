import { useLingui } from "@lingui/react/macro";
import { Languages, Monitor, Moon, Sun } from "lucide-react";
import { Button } from "@/components/ui/button";
import { LOCALES, type Locale, setLanguage } from "@/i18n";
import { useStore } from "@/lib/store";
import { setTheme, THEMES, type Theme, theme } from "@/theme";

const ICONS = { system: Monitor, light: Sun, dark: Moon };

/** Changes to the other language; its button is named in that language. */
export function LanguageSwitch() {
  const { i18n } = useLingui();
  const other: Locale = i18n.locale === "ko" ? "en" : "ko";
  return (
    <Button variant="ghost" lang={other} onClick={() => void setLanguage(other)}>
      <Languages aria-hidden className="size-5" />
      {LOCALES[other]}
    </Button>
  );
}

/** Goes from the system's colours to light to dark. */
export function ThemeSwitch() {
  const { t } = useLingui();
  const chosen = useStore(theme);
  const names: Record<Theme, string> = { system: t`as the system`, light: t`light`, dark: t`dark` };
  const next = THEMES[(THEMES.indexOf(chosen) + 1) % THEMES.length] ?? "system";
  const Icon = ICONS[chosen];
  const label = t`Colours: ${names[chosen]}. Change to: ${names[next]}`;
  return (
    <Button variant="ghost" size="icon" aria-label={label} title={label} onClick={() => setTheme(next)}>
      <Icon aria-hidden className="size-5" />
    </Button>
  );
}
