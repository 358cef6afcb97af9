import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { readinessQuery } from "@/api/readiness";

/** Says what is down, on every page, for as long as it is. Screen readers hear it when it changes. */
export function StatusBanner() {
  return (
    <div role="status">
      <Down />
    </div>
  );
}

function Down() {
  const { t } = useLingui();
  const { data } = useQuery(readinessQuery);
  if (!data || data.status === "ready") return null;
  const words = {
    degraded: t`Predictions are served. Work in the background waits.`,
    "not ready": t`Predictions can’t be served now.`,
    unreachable: t`The gateway can’t be reached. This page tries again by itself.`,
  };
  const failed = Object.entries(data.parts ?? {}).filter(([, part]) => !part.ok);
  const names = failed.map(([name]) => name).join(", ");
  return (
    <div className="flex items-start gap-3 border-b border-warn bg-warn-ground px-4 py-2.5 text-warn sm:px-6">
      <TriangleAlert aria-hidden className="mt-0.5 size-5 shrink-0" />
      <p className="wrap-anywhere">
        <strong className="font-semibold">{words[data.status]}</strong>{" "}
        {failed.length > 0 && (
          <Trans>
            <Plural value={failed.length} one="This part does" other="These parts do" /> not answer: {names}.
          </Trans>
        )}
      </p>
    </div>
  );
}
