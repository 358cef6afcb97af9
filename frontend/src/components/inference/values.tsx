import { Trans, useLingui } from "@lingui/react/macro";
import { words } from "@/lib/format";
import { leaves } from "@/lib/json";
import { isPicture, pictureUrl } from "./pictures";

const MAX_SHOWN = 500; // rows; the text below has all
const MAX_TEXT = 400; // characters of one value

/** A JSON value as a table of names and values, and as text. */
export function Values({ value }: { value: unknown }) {
  const { i18n } = useLingui();
  const rows = leaves(value).slice(0, MAX_SHOWN);
  return (
    <div>
      <dl className="grid grid-cols-[repeat(auto-fill,minmax(min(16rem,100%),1fr))] gap-x-6 text-sm">
        {rows.map(([path, inner]) => (
          <div key={path.join("/")} className="flex justify-between gap-3 border-b py-1.5">
            <dt className="min-w-0 text-muted-foreground wrap-anywhere">{path.map(words).join(" › ")}</dt>
            <dd className="min-w-0 text-right tabular-nums wrap-anywhere" dir="auto">
              {shown(inner, i18n.locale)}
            </dd>
          </div>
        ))}
      </dl>
      <details className="mt-3">
        <summary className="w-fit text-sm text-primary">
          <Trans>As JSON</Trans>
        </summary>
        <pre
          tabIndex={0}
          className="mt-2 max-h-96 overflow-auto rounded-md bg-muted p-3 text-xs wrap-anywhere whitespace-pre-wrap"
        >
          {JSON.stringify(value, null, 2)}
        </pre>
      </details>
    </div>
  );
}

function shown(value: unknown, locale: string) {
  if (typeof value === "number") return value.toLocaleString(locale, { maximumSignificantDigits: 12 });
  if (isPicture(value)) return <img src={pictureUrl(value)} alt="" className="ml-auto h-16 rounded border" />;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
