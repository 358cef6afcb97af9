import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { isTemporary } from "@ml-proxy/client";
import { useIsFetching, useQuery } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { readinessQuery } from "@/api/readiness";
import { usePartNames } from "./part-names";

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
  const names = usePartNames();
  const isWaiting =
    useIsFetching({ predicate: ({ state }) => state.fetchFailureCount > 0 && isTemporary(state.fetchFailureReason) }) >
    0;
  const status = data?.status ?? "ready";
  if (status === "ready" && !isWaiting) return null;
  const words = {
    ready: "",
    degraded: t`Predictions are served. Work in the background waits.`,
    "not ready": t`Predictions can’t be served now.`,
    unreachable: t`The gateway can’t be reached. This page tries again by itself.`,
  };
  const failed = Object.entries(data?.parts ?? {}).filter(([, part]) => !part.ok);
  const listed = failed.map(([name]) => names[name] ?? name).join(", ");
  return (
    <div className="flex items-start gap-3 border-b border-warn bg-warn-ground px-4 py-2.5 text-warn sm:px-6">
      <TriangleAlert aria-hidden className="mt-0.5 size-5 shrink-0" />
      <p className="wrap-anywhere">
        <strong className="font-semibold">{words[status]}</strong>{" "}
        {failed.length > 0 && (
          <Trans>
            <Plural value={failed.length} one="This part does" other="These parts do" /> not answer: {listed}.
          </Trans>
        )}{" "}
        {isWaiting && status !== "unreachable" && (
          <Trans>A part of this page can’t be loaded now. It follows by itself.</Trans>
        )}
      </p>
    </div>
  );
}
