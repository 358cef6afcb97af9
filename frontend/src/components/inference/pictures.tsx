import { Trans } from "@lingui/react/macro";
import type { Inference } from "@ml-proxy/client";
import { leaves } from "@/lib/json";

const MAX_CHARACTERS = 14_000_000; // of base64, about 10 MiB
const TYPES: Record<string, string> = { iVBORw0K: "image/png", "/9j/": "image/jpeg", UklGR: "image/webp" };

/** Whether a value is a picture in base64, or a data URL of one. */
export function isPicture(value: unknown): value is string {
  if (typeof value !== "string" || value.length < 40 || value.length > MAX_CHARACTERS) return false;
  return /^data:image\/(?:png|jpeg|webp);base64,/.test(value) || typeOf(value) !== undefined;
}

export function pictureUrl(value: string): string {
  return value.startsWith("data:") ? value : `data:${typeOf(value)};base64,${value}`;
}

function typeOf(base64: string): string | undefined {
  return Object.entries(TYPES).find(([start]) => base64.startsWith(start))?.[1];
}

/** The pictures of an inference: its files, and those in its input. */
export function Pictures({ inference }: { inference: Inference }) {
  const inline = leaves(inference.input_data)
    .map(([, value]) => value)
    .filter(isPicture);
  const files = inference.files ?? [];
  if (inline.length + files.length === 0) return null;
  return (
    <div className="flex flex-wrap gap-4">
      {inline.map((value) => (
        <Picture key={value.slice(-40)} url={pictureUrl(value)} name="" />
      ))}
      {files.map(({ url, filename, content_type: type }) => (
        <Picture key={url} url={url} name={filename} isPicture={/^image\//.test(type)} />
      ))}
    </div>
  );
}

function Picture({ url, name, isPicture = true }: { url: string; name: string; isPicture?: boolean }) {
  const isOwn = url.startsWith("data:") || new URL(url, location.href).origin === location.origin;
  return (
    <figure className="min-w-0">
      {isPicture && isOwn && (
        <img
          src={url}
          alt={name}
          className="max-h-80 min-h-24 max-w-full rounded-md border bg-muted [image-rendering:auto]"
        />
      )}
      {name && (
        <figcaption className="mt-1 text-sm wrap-anywhere">
          <a href={url} rel="noreferrer" download={name} className="text-primary underline">
            <Trans>Save {name}</Trans>
          </a>
        </figcaption>
      )}
    </figure>
  );
}
