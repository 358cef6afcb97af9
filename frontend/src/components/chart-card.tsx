import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { Card, CardTitle } from "@/components/ui/card";

type Props = { title: string; description?: ReactNode; table?: ReactNode; isEmpty?: boolean; children: ReactNode };

/** A chart under its title. `table` has the same figures, for those who can't see the chart or want to copy them. */
export function ChartCard({ title, description, table, isEmpty, children }: Props) {
  return (
    <Card aria-label={title}>
      <CardTitle>{title}</CardTitle>
      {description && <p className="-mt-2 mb-3 text-sm text-muted-foreground">{description}</p>}
      {isEmpty ? (
        <p className="py-8 text-center text-muted-foreground">
          <Trans>Nothing to show yet</Trans>
        </p>
      ) : (
        <>
          <div aria-hidden={table ? true : undefined}>{children}</div>
          {table && (
            <details className="mt-3">
              <summary className="w-fit text-sm text-primary">
                <Trans>As a table</Trans>
              </summary>
              <div className="mt-2 overflow-x-auto">{table}</div>
            </details>
          )}
        </>
      )}
    </Card>
  );
}
