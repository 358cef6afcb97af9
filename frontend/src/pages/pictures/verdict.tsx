import { Trans, useLingui } from "@lingui/react/macro";
import { share } from "@/lib/format";
import type { Classification, Label } from "./api";

const SHOWN_LABELS = 3;

/** Whether the photo shows a desk, and what the model sees in it. */
export function Verdict({ found }: { found: Classification }) {
  const { t, i18n } = useLingui();
  const probability = found.desk_probability;
  const top = labels((found.classify ? found.desk_labels : found.top) ?? [], i18n.locale);
  return (
    <div
      role="status"
      data-testid="verdict"
      className={`mt-4 rounded-md border-l-4 p-3 ${found.classify ? "border-good! bg-good-ground" : "border-warn! bg-warn-ground"}`}
    >
      <p className={`font-semibold ${found.classify ? "text-good" : "text-warn"}`}>
        {found.classify ? t`This photo shows a desk.` : t`This photo shows no desk.`}
      </p>
      {probability !== undefined && <DeskProbability probability={probability} />}
      {top && (
        <p className="text-sm">
          <Trans>The model sees: {top}</Trans>
        </p>
      )}
    </div>
  );
}

/** Said plainly in place of a picture, when the job found no desk. */
export function NoDesk({ probability }: { probability: number }) {
  return (
    <div role="alert" className="rounded-md border-l-4 border-warn! bg-warn-ground p-3">
      <p className="font-semibold text-warn">
        <Trans>This photo shows no desk, so nothing was drawn.</Trans>
      </p>
      <DeskProbability probability={probability} />
      <p className="text-sm">
        <Trans>Try a photo with the desk in the middle, in good light.</Trans>
      </p>
    </div>
  );
}

function DeskProbability({ probability }: { probability: number }) {
  const { i18n } = useLingui();
  const shown = share(probability, i18n.locale);
  return (
    <p className="text-sm">
      <Trans>Probability of a desk: {shown}</Trans>
    </p>
  );
}

function labels(found: Label[], locale: string): string {
  return found
    .slice(0, SHOWN_LABELS)
    .map(({ name, probability }) => `${name} ${share(probability, locale)}`)
    .join(", ");
}
