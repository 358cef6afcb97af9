import { Trans, useLingui } from "@lingui/react/macro";
import { Download } from "lucide-react";
import { useId, useState } from "react";
import { Field } from "@/components/field";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Checkbox, Select } from "@/components/ui/input";
import { useStore } from "@/lib/store";
import { exportUrl, wanted } from "./filter";

/** All rows that match as a file; the options are for spreadsheets. */
export function ExportDialog({ onClose }: { onClose: () => void }) {
  const { t } = useLingui();
  const filter = useStore(wanted);
  const [format, setFormat] = useState("csv");
  const [bom, setBom] = useState(true);
  const [safe, setSafe] = useState(true);
  const isCsv = format === "csv";
  const url = exportUrl(filter, format, { bom: isCsv && bom, safe_cells: isCsv && safe });
  return (
    <Dialog
      open
      onClose={onClose}
      title={t`Save all rows that match`}
      description={t`The file holds patients’ names and inputs. Saving it is noted in the access log.`}
    >
      <div className="flex flex-col gap-4">
        <Field label={t`Format`}>
          <Select value={format} onChange={({ target }) => setFormat(target.value)}>
            <option value="csv">CSV</option>
            <option value="ndjson">NDJSON</option>
            <option value="parquet">Parquet</option>
          </Select>
        </Field>
        {isCsv && (
          <>
            <Option label={t`With a byte order mark, so that spreadsheets read Korean`} value={bom} onChange={setBom} />
            <Option label={t`Cells that look like formulas become text`} value={safe} onChange={setSafe} />
          </>
        )}
        <Button variant="primary" asChild className="self-start">
          <a href={url} download rel="noreferrer" onClick={onClose}>
            <Download aria-hidden className="size-4" />
            <Trans>Save the file</Trans>
          </a>
        </Button>
      </div>
    </Dialog>
  );
}

function Option({ label, value, onChange }: { label: string; value: boolean; onChange: (isOn: boolean) => void }) {
  const id = useId();
  return (
    <div className="flex items-center gap-3">
      <Checkbox id={id} checked={value} onChange={({ target }) => onChange(target.checked)} />
      <label htmlFor={id}>{label}</label>
    </div>
  );
}
