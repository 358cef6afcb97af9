import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { may, meQuery } from "@/api/session";
import { PageHeader } from "@/components/page-header";
import { AccessLogCard } from "./access-log";
import { LinksCard } from "./links";
import { JobsCard, LogCard } from "./log";
import { PartsCard } from "./parts";

export function Page() {
  const { t } = useLingui();
  const { data: me } = useQuery(meQuery);
  return (
    <>
      <PageHeader
        title={t`System`}
        description={<Trans>What works, what waits, and whether the log is complete.</Trans>}
      />
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <div className="flex min-w-0 flex-col gap-4">
          <PartsCard />
          <LinksCard />
        </div>
        {may(me, "ml_proxy.view_metrics") && (
          <div className="flex min-w-0 flex-col gap-4">
            <LogCard />
            <JobsCard />
          </div>
        )}
        {may(me, "accounts.view_accesslog") && <AccessLogCard />}
      </div>
    </>
  );
}
