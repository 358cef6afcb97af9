import { Trans, useLingui } from "@lingui/react/macro";
import { words } from "@/lib/format";
import { leaves } from "@/lib/json";
import { useModelText } from "./model-texts";
import { isPicture, pictureUrl } from "./pictures";

const MAX_SHOWN = 500; // rows; the text below has all
const MAX_TEXT = 400; // characters of one value

const NAMES = new Set(["doctor_name", "patient_name"]); // they stand above

/** A JSON value as a table of names and values, and as text. */
export function Values({ value }: { value: unknown }) {
  const { i18n } = useLingui();
  const textOf = useModelText();
  const rows = withoutCommonName(leaves(value).filter(([[name = ""]]) => !NAMES.has(name))).slice(0, MAX_SHOWN);
  return (
    <div>
      <dl className="grid grid-cols-[repeat(auto-fill,minmax(min(16rem,100%),1fr))] gap-x-6 text-sm">
        {rows.map(([path, inner]) => (
          <div key={path.join("/")} className="flex justify-between gap-3 border-b py-1.5">
            <dt className="min-w-0 text-muted-foreground wrap-anywhere">
              {path.map((name) => words(textOf(name))).join(" › ")}
            </dt>
            <dd
              className={`text-right tabular-nums ${typeof inner === "number" ? "shrink-0" : "min-w-0 wrap-anywhere"}`}
              dir="auto"
            >
              {shown(inner, i18n.locale)}
            </dd>
          </div>
        ))}
      </dl>
      <AsJson value={value} />
    </div>
  );
}

/** A JSON value as text, folded. */
export function AsJson({ value }: { value: unknown }) {
  return (
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
  );
}

type Leaf = [readonly string[], unknown];

/** Without the one object's name in which all deeper values stand: it would only repeat. */
function withoutCommonName(rows: Leaf[]): Leaf[] {
  const tops = new Set(rows.filter(([path]) => path.length > 1).map(([path]) => path[0]));
  if (tops.size !== 1) return rows;
  return rows.map(([path, value]) => [path.length > 1 ? path.slice(1) : path, value]);
}

function shown(value: unknown, locale: string) {
  if (typeof value === "number") return value.toLocaleString(locale, { maximumSignificantDigits: 12 });
  if (isPicture(value)) return <img src={pictureUrl(value)} alt="" className="ml-auto h-16 rounded border" />;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
