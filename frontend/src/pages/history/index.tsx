import { Trans, useLingui } from "@lingui/react/macro";
import { Columns2, Download } from "lucide-react";
import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import { PageHeader } from "@/components/page-header";
import { Button } from "@/components/ui/button";
import { useStore } from "@/lib/store";
import { filterOf, wanted } from "./filter";
import { FilterForm } from "./filter-form";
import { HistoryList } from "./list";
import { useRows } from "./rows";

const CompareDialog = lazy(async () => ({ default: (await import("./compare-dialog")).CompareDialog }));
const ExportDialog = lazy(async () => ({ default: (await import("./export-dialog")).ExportDialog }));
const COMPARED = 2;

export function Page() {
  const { t } = useLingui();
  const filter = useStore(wanted);
  const query = useRows(useMemo(() => filterOf(filter), [filter]));
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [open, setOpen] = useState<"compare" | "export" | null>(null);
  // A third one takes the place of the first.
  const choose = useCallback((id: string, isChosen: boolean) => {
    setChosen((ids) => (isChosen ? [...ids, id].slice(-COMPARED) : ids.filter((other) => other !== id)));
  }, []);
  const close = () => setOpen(null);
  return (
    <>
      <PageHeader
        title={t`History`}
        description={t`Every answer that was given, newest first.`}
        actions={
          <>
            <Button disabled={chosen.length !== COMPARED} onClick={() => setOpen("compare")}>
              <Columns2 aria-hidden className="size-4" />
              <Trans>Compare {chosen.length} of 2</Trans>
            </Button>
            <Button onClick={() => setOpen("export")}>
              <Download aria-hidden className="size-4" />
              <Trans>Save as a file</Trans>
            </Button>
          </>
        }
      />
      <FilterForm />
      <HistoryList query={query} chosen={chosen} onChoose={choose} />
      <Suspense>
        {open === "compare" && <CompareDialog ids={chosen} onClose={close} />}
        {open === "export" && <ExportDialog onClose={close} />}
      </Suspense>
    </>
  );
}
