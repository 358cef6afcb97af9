import { useLingui } from "@lingui/react/macro";
import type { Inference } from "@ml-proxy/client";
import type { ReactNode } from "react";
import { milliseconds, moment } from "@/lib/format";

/** Pairs of a name and a value; those without a value are left out. */
export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="grid grid-cols-[max-content_minmax(0,1fr)] gap-x-5 gap-y-1">
      {facts
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-muted-foreground">{name}</dt>
            <dd className="wrap-anywhere">{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** Who, when, by which model. */
export function InferenceFacts({ inference }: { inference: Inference }) {
  const { t, i18n } = useLingui();
  const model = [inference.model_name, inference.model_version].filter(Boolean).join(" ");
  return (
    <Facts
      facts={[
        [t`Doctor`, <bdi key="doctor">{inference.doctor_name}</bdi>],
        [t`Patient`, <bdi key="patient">{inference.patient_name}</bdi>],
        [t`Model`, model],
        [t`Predicted`, moment(inference.predicted_at, i18n.locale)],
        [t`The model took`, milliseconds(inference.latency_ms, i18n.locale)],
        [t`Caller`, inference.caller],
        [
          t`Inference`,
          <code key="id" className="text-sm">
            {inference.id}
          </code>,
        ],
        [
          t`Request`,
          <code key="request" className="text-sm">
            {inference.request_id}
          </code>,
        ],
      ]}
    />
  );
}
