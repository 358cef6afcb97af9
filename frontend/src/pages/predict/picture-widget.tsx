import { Trans, useLingui } from "@lingui/react/macro";
import { ariaDescribedByIds, type WidgetProps } from "@rjsf/utils";
import { ImageUp, X } from "lucide-react";
import { type DragEvent, useState } from "react";
import { isPicture, pictureUrl } from "@/components/inference/pictures";
import { Button } from "@/components/ui/button";

const TYPES = ["image/jpeg", "image/png", "image/webp"];
const MAX_BYTES = 9_000_000; // with base64 and the rest it stays below the gateway's 10 MiB

/** A picture by drop or by file, with a preview. Its value is a data URL. */
export function PictureWidget({ id, value, rawErrors, onChange }: WidgetProps) {
  const { t } = useLingui();
  const [fault, setFault] = useState("");
  const [isOver, setOver] = useState(false);
  const take = (file: File | undefined) => {
    if (!file) return;
    if (!TYPES.includes(file.type)) setFault(t`Choose a JPEG, PNG or WebP file.`);
    else if (file.size > MAX_BYTES) setFault(t`The file may have at most 9 MB.`);
    else {
      setFault("");
      const reader = new FileReader();
      reader.onload = () => onChange(String(reader.result));
      reader.readAsDataURL(file);
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is an extra; the button inside does the same
    <div
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={`relative flex min-h-40 flex-col items-center justify-center gap-3 rounded-md border-2 border-dashed p-4 text-center ${
        isOver ? "border-primary bg-accent" : "border-input"
      }`}
    >
      {isPicture(value) ? (
        <img src={pictureUrl(value)} alt={t`What you chose`} className="max-h-64 min-h-24 max-w-full rounded" />
      ) : (
        <ImageUp aria-hidden className="size-8 text-muted-foreground" />
      )}
      <p className="text-sm text-muted-foreground">
        <Trans>Drop a picture here, or choose a file: JPEG, PNG or WebP</Trans>
      </p>
      <div className="flex flex-wrap justify-center gap-2">
        <input
          id={id}
          type="file"
          accept={TYPES.join()}
          aria-invalid={Boolean(rawErrors?.length || fault)}
          aria-describedby={ariaDescribedByIds(id)}
          onChange={({ target }) => take(target.files?.[0])}
          className="max-w-full rounded-md text-sm file:mr-3 file:h-11 file:cursor-pointer file:rounded-md file:border file:border-input file:bg-card file:px-4 file:font-medium file:text-primary"
        />
        {value && (
          <Button size="sm" className="h-11!" onClick={() => onChange(undefined)}>
            <X aria-hidden className="size-4" />
            <Trans>Remove</Trans>
          </Button>
        )}
      </div>
      {fault && (
        <p role="alert" className="text-sm text-bad">
          {fault}
        </p>
      )}
    </div>
  );
}
