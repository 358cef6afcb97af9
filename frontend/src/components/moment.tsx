import { useLingui } from "@lingui/react/macro";

/** A time on one line, in the reader's language and time zone; a dash for none. */
export function Moment({ time }: { time: string | null }) {
  const { i18n } = useLingui();
  if (!time) return "–";
  return (
    <time dateTime={time} className="whitespace-nowrap">
      {i18n.date(time, { dateStyle: "short", timeStyle: "short" })}
    </time>
  );
}
