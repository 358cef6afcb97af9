import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { ExternalLink } from "lucide-react";
import { may, meQuery } from "@/api/session";
import { Card, CardTitle } from "@/components/ui/card";

const FLOWER_PORT = 5555; // unless the gateway names another in the page

/** The other pages of the system. */
export function LinksCard() {
  const { t } = useLingui();
  const { data: me } = useQuery(meQuery);
  const links: [string, string, string][] = [
    ["/api/docs/", t`API`, t`Every operation, with an example`],
    ["/admin/", t`Admin`, t`Records, jobs and accounts`],
    [flowerUrl(), "Flower", t`Workers and their tasks`],
    ["/reception/", t`Reception`, t`The newest inferences, without JavaScript`],
    ["/readyz", t`Readiness`, t`For load balancers`],
  ];
  if (may(me, "ml_proxy.view_metrics")) links.push(["/metrics", t`Metrics`, t`For Prometheus`]);
  return (
    <Card aria-label={t`Other pages`}>
      <CardTitle>
        <Trans>Other pages</Trans>
      </CardTitle>
      <ul className="grid gap-2 sm:grid-cols-2">
        {links.map(([url, title, use]) => (
          <li key={url}>
            <a
              href={url}
              target="_blank"
              rel="noreferrer"
              className="flex h-full items-start gap-2 rounded-md border p-3 hover:bg-accent"
            >
              <ExternalLink aria-hidden className="mt-0.5 size-4 shrink-0 text-primary" />
              <span className="min-w-0">
                <span className="block font-medium text-primary">{title}</span>
                <span className="block text-sm text-muted-foreground">{use}</span>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** Flower listens on the gateway's host, on a port of its own. */
function flowerUrl(): string {
  const named = document.querySelector<HTMLMetaElement>("meta[name=flower-port]")?.content;
  return `${location.protocol}//${location.hostname}:${Number(named) || FLOWER_PORT}/`;
}
