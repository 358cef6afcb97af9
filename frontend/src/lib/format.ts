/** A moment in the reader's time zone, to the second. */
export function moment(iso: string, locale: string): string {
  return new Date(iso).toLocaleString(locale, { dateStyle: "medium", timeStyle: "medium" });
}

/** A share from 0 to 1 in per cent. Only what is certain reads as 100 %. */
export function share(value: number, locale: string): string {
  const digits = value > 0.9995 && value < 1 ? 3 : 1;
  return value.toLocaleString(locale, { style: "percent", maximumFractionDigits: digits });
}

export function milliseconds(value: number, locale: string): string {
  return `${value.toLocaleString(locale, { maximumFractionDigits: value < 10 ? 1 : 0 })} ms`;
}

/** A member's name as words: `mean_radius` becomes `Mean radius`. */
export function words(name: string): string {
  const spaced = name
    .replace(/[_-]+/g, " ")
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .trim();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
