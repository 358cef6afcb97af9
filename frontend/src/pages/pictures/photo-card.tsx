import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery } from "@tanstack/react-query";
import { ImageUp } from "lucide-react";
import { type DragEvent, type FormEvent, useId, useState } from "react";
import { Field } from "@/components/field";
import { ProblemAlert } from "@/components/problem-alert";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Input } from "@/components/ui/input";
import { cn } from "@/lib/cn";
import desk from "../../../../docs/examples/desk-scene.jpg";
import espresso from "../../../../docs/examples/no-desk.jpg";
import { maxBytesQuery, type Photo } from "./api";

const TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif"];

type Props = { photo: Photo | null; onChoose: (photo: Photo | null) => void };

/** Where a photo is chosen: by drop, by file, by URL, or one of the examples. */
export function PhotoCard({ photo, onChoose }: Props) {
  const { t } = useLingui();
  const [fault, setFault] = useState("");
  const { data: maxBytes } = useQuery(maxBytesQuery);
  const take = (file: File | undefined) => {
    if (!file) return;
    const megabytes = Math.floor((maxBytes ?? 0) / 1_000_000);
    if (!TYPES.includes(file.type)) setFault(t`Choose a JPEG, PNG, WebP or GIF file.`);
    else if (maxBytes && file.size > maxBytes) setFault(t`The file may have at most ${megabytes} MB.`);
    else {
      setFault("");
      onChoose({ file, shown: URL.createObjectURL(file), url: null });
    }
  };
  return (
    <Card aria-label={t`The photo`}>
      <CardTitle>
        <Trans>The photo</Trans>
      </CardTitle>
      <DropArea photo={photo} onFile={take} />
      {fault && (
        <p role="alert" className="mt-2 text-sm text-bad">
          {fault}
        </p>
      )}
      <Examples onFile={take} />
      <UrlForm onUrl={(url) => onChoose({ file: null, shown: null, url })} />
    </Card>
  );
}

function DropArea({ photo, onFile }: { photo: Photo | null; onFile: (file: File | undefined) => void }) {
  const { t } = useLingui();
  const id = useId();
  const [isOver, setOver] = useState(false);
  const over = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    onFile(event.dataTransfer.files[0]);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is an extra; the button inside does the same
    <div
      onDragOver={over}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={cn(
        "flex min-h-40 flex-col items-center justify-center gap-3 rounded-md border-2 border-dashed p-4 text-center",
        isOver ? "border-primary! bg-accent" : "border-input!",
      )}
    >
      {photo?.shown ? (
        <img src={photo.shown} alt={t`What you chose`} className="max-h-64 max-w-full rounded" />
      ) : (
        <ImageUp aria-hidden className="size-8 text-muted-foreground" />
      )}
      {photo?.url && <p className="wrap-anywhere">{photo.url}</p>}
      <label htmlFor={id} className="text-sm text-muted-foreground">
        <Trans>Drop a photo of a desk here, or choose a file</Trans>
      </label>
      <input
        id={id}
        type="file"
        accept={TYPES.join()}
        onChange={({ target }) => onFile(target.files?.[0])}
        className="max-w-full rounded-md text-sm file:mr-3 file:h-11 file:cursor-pointer file:rounded-md file:border file:border-input file:bg-card file:px-4 file:font-medium file:text-primary"
      />
    </div>
  );
}

/** Photos that come with the project. */
function Examples({ onFile }: { onFile: (file: File) => void }) {
  const { t } = useLingui();
  const load = useMutation({
    mutationFn: async ([url, name]: [string, string]) => {
      const response = await fetch(url);
      if (!response.ok) throw new TypeError(`the example answered ${response.status}`);
      return new File([await response.blob()], name, { type: "image/jpeg" });
    },
    onSuccess: onFile,
  });
  return (
    <div className="mt-3 flex flex-wrap items-center gap-2 text-sm">
      <span className="text-muted-foreground">
        <Trans>Or an example:</Trans>
      </span>
      <Button size="sm" onClick={() => load.mutate([desk, "desk-scene.jpg"])}>{t`A drawn desk`}</Button>
      <Button size="sm" onClick={() => load.mutate([espresso, "no-desk.jpg"])}>{t`A cup, no desk`}</Button>
      {load.error && <ProblemAlert error={load.error} className="w-full" />}
    </div>
  );
}

function UrlForm({ onUrl }: { onUrl: (url: string) => void }) {
  const { t } = useLingui();
  const [url, setUrl] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onUrl(url.trim());
  };
  return (
    <form onSubmit={submit} className="mt-4 flex flex-wrap items-end gap-2">
      <Field label={t`Or its URL`} hint={t`http or https, at a public address`} className="min-w-52 flex-1">
        <Input type="url" required maxLength={2000} value={url} onChange={({ target }) => setUrl(target.value)} />
      </Field>
      <Button type="submit" className="mb-6">
        <Trans>Use this URL</Trans>
      </Button>
    </form>
  );
}
