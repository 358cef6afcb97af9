import { Trans, useLingui } from "@lingui/react/macro";
import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import { Button } from "@/components/ui/button";
import { PageHeader } from "./page-header";
import { ProblemAlert } from "./problem-alert";

/** In place of a page that could not be shown; the menu stays. */
export function RouteError({ error, reset }: ErrorComponentProps) {
  return <ProblemAlert error={error} onRetry={reset} />;
}

export function NotFound() {
  const { t } = useLingui();
  return (
    <div className="p-6">
      <PageHeader title={t`There is no such page`} />
      <Button asChild>
        <Link to="/">
          <Trans>To the first page</Trans>
        </Link>
      </Button>
    </div>
  );
}
