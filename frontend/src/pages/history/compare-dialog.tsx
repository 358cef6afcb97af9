import { Trans, useLingui } from "@lingui/react/macro";
import type { Inference } from "@ml-proxy/client";
import { useQueries } from "@tanstack/react-query";
import { useId, useState } from "react";
import { type TextOf, useModelText } from "@/components/inference/model-texts";
import { predictionsOf } from "@/components/inference/predictions";
import { ProblemAlert } from "@/components/problem-alert";
import { Dialog } from "@/components/ui/dialog";
import { Checkbox } from "@/components/ui/input";
import { Skeleton } from "@/components/ui/skeleton";
import { moment, share, words } from "@/lib/format";
import { leaves } from "@/lib/json";
import { inferenceQuery } from "./inference-query";

const NAMES = new Set(["doctor_name", "patient_name"]);
const MAX_TEXT = 60; // characters of one value

/** Two inferences side by side: who, what came out, and each input. */
export function CompareDialog({ ids, onClose }: { ids: readonly string[]; onClose: () => void }) {
  const { t } = useLingui();
  const found = useQueries({ queries: ids.map((id) => inferenceQuery(id)) });
  const failed = found.find(({ error }) => error);
  const [left, right] = found.map(({ data }) => data);
  return (
    <Dialog open onClose={onClose} title={t`Compare two inferences`} className="w-[min(60rem,calc(100vw-2rem))]!">
      {failed && <ProblemAlert error={failed.error} />}
      {!failed && !(left && right) && <Skeleton className="h-64" />}
      {left && right && <Comparison left={left} right={right} />}
    </Dialog>
  );
}

function Comparison({ left, right }: { left: Inference; right: Inference }) {
  const { t, i18n } = useLingui();
  const textOf = useModelText();
  const id = useId();
  const [isAll, setAll] = useState(false);
  const about = [
    [t`Patient`, left.patient_name, right.patient_name],
    [t`Doctor`, left.doctor_name, right.doctor_name],
    [t`Predicted`, moment(left.predicted_at, i18n.locale), moment(right.predicted_at, i18n.locale)],
    [t`Model`, `${left.model_name} ${left.model_version}`, `${right.model_name} ${right.model_version}`],
    [t`Answer`, answer(left, i18n.locale, textOf), answer(right, i18n.locale, textOf)],
  ] as const;
  const inputs = inputPairs(left, right, textOf);
  const differing = inputs.filter(([, one, other]) => one !== other);
  return (
    <>
      <div className="mb-3 flex items-center gap-3">
        <Checkbox id={id} checked={isAll} onChange={({ target }) => setAll(target.checked)} />
        <label htmlFor={id}>
          <Trans>
            Show equal inputs too ({differing.length} of {inputs.length} differ)
          </Trans>
        </label>
      </div>
      <table className="w-full table-fixed border-collapse text-left text-sm">
        <caption className="sr-only">{t`Two inferences side by side`}</caption>
        <thead>
          <tr>
            <th scope="col" className="w-1/3 py-1.5 pr-2">
              <span className="sr-only">{t`Name`}</span>
            </th>
            <th scope="col" className="py-1.5 pr-2">{t`First`}</th>
            <th scope="col" className="py-1.5">{t`Second`}</th>
          </tr>
        </thead>
        <tbody>
          {[...about, ...(isAll ? inputs : differing)].map(([name, one, other]) => (
            <tr key={name} className={one === other ? "border-t" : "border-t bg-accent"}>
              <th scope="row" className="py-1.5 pr-2 font-normal text-muted-foreground wrap-anywhere">
                {name}
              </th>
              <td className="py-1.5 pr-2 tabular-nums wrap-anywhere">
                <bdi>{one}</bdi>
              </td>
              <td className="py-1.5 tabular-nums wrap-anywhere">
                <bdi>{other}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function answer({ output_data: output }: Inference, locale: string, textOf: TextOf): string {
  return predictionsOf(output)
    .map(({ label, confidence }) => `${textOf(label)} ${share(confidence, locale)}`)
    .join(", ");
}

/** Each input of either, with its value in both; blank where one has no such input. */
function inputPairs(left: Inference, right: Inference, textOf: TextOf): [string, string, string][] {
  const [one, other] = [valuesOf(left, textOf), valuesOf(right, textOf)];
  const names = [...new Set([...one.keys(), ...other.keys()])];
  return names.map((name) => [name, one.get(name) ?? "", other.get(name) ?? ""]);
}

function valuesOf({ input_data: input }: Inference, textOf: TextOf): Map<string, string> {
  const pairs = leaves(input).filter(([[name = ""]]) => !NAMES.has(name));
  return new Map(pairs.map(([path, value]) => [path.map((name) => words(textOf(name))).join(" › "), shortText(value)]));
}

function shortText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
