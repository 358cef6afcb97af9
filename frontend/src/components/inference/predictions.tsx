import { useLingui } from "@lingui/react/macro";
import type { Prediction } from "@ml-proxy/client";
import { share } from "@/lib/format";
import { isObject } from "@/lib/json";
import { useModelText } from "./model-texts";

/** The predictions in a model's answer, surest first; none if the model answers in another form. */
export function predictionsOf(output: unknown): Prediction[] {
  const listed = isObject(output) && Array.isArray(output.predictions) ? output.predictions : [];
  return listed
    .filter(isObject)
    .filter(({ confidence }) => typeof confidence === "number")
    .map(({ label, confidence }) => ({ label: String(label), confidence: confidence as number }));
}

/** The surest class in large letters, and each class with its probability as a bar. */
export function Predictions({ predictions, isStale }: { predictions: Prediction[]; isStale?: boolean }) {
  const { i18n } = useLingui();
  const textOf = useModelText();
  const [top] = predictions;
  if (!top) return null;
  return (
    <div>
      <p className="mb-4 text-3xl font-semibold tracking-tight wrap-anywhere" dir="auto" data-testid="top-label">
        {textOf(top.label)}
      </p>
      <ul className="flex flex-col gap-3">
        {predictions.map(({ label, confidence }, place) => (
          <li key={label} className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-4 gap-y-1">
            <span className="wrap-anywhere" dir="auto">
              {textOf(label)}
            </span>
            <span className="font-semibold tabular-nums">{share(confidence, i18n.locale)}</span>
            <Bar value={confidence} isTop={place === 0 && !isStale} className="col-span-2" />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** A bar for a share from 0 to 1; the text beside it says the same. */
export function Bar({ value, isTop, className }: { value: number; isTop: boolean; className?: string }) {
  const width = `${Math.max(0, Math.min(1, value)) * 100}%`;
  return (
    <span aria-hidden className={`block h-2 overflow-hidden rounded-full bg-muted ${className ?? ""}`}>
      <span className={`block h-full rounded-full ${isTop ? "bg-primary" : "bg-input"}`} style={{ width }} />
    </span>
  );
}
