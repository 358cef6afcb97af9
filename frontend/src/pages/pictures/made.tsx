import { Trans, useLingui } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { type Column, DataTable } from "@/components/data-table";
import { Skeleton } from "@/components/ui/skeleton";
import type { Product, Result } from "./api";

type ComparisonProps = { before: string | null; after: string | null; isMaking: boolean };

/** The new picture beside the old. */
export function Comparison({ before, after, isMaking }: ComparisonProps) {
  const { t } = useLingui();
  return (
    <div className="mt-4 grid items-start gap-4 sm:grid-cols-2">
      <Picture title={t`Before`} url={before} alt={t`The photo before`} otherwise={t`The photo is not here.`} />
      <Picture
        title={t`After`}
        url={after}
        alt={t`The new picture`}
        otherwise={isMaking ? <Skeleton className="aspect-4/3 w-full" /> : t`The picture can’t be linked to now.`}
      />
    </div>
  );
}

type PictureProps = { title: string; url: string | null; alt: string; otherwise: ReactNode };

/** A picture of this gateway; one of another server is a link, since the page loads nothing from elsewhere. */
function Picture({ title, url, alt, otherwise }: PictureProps) {
  return (
    <figure className="min-w-0">
      <figcaption className="mb-1 font-medium">{title}</figcaption>
      {!url && <div className="text-muted-foreground">{otherwise}</div>}
      {url && isOwn(url) && (
        <a href={url} target="_blank" rel="noreferrer">
          <img src={url} alt={alt} className="w-full rounded-md border bg-muted" />
        </a>
      )}
      {url && !isOwn(url) && (
        <p className="text-sm wrap-anywhere">
          <Outside url={url}>{url}</Outside>
        </p>
      )}
    </figure>
  );
}

/** What else the job found: a description, products by keyword, and the models that made it. */
export function Made({ result }: { result: Result }) {
  const { description, warnings, products, models } = result;
  return (
    <div className="mt-4 flex flex-col gap-5">
      <p>{description}</p>
      {warnings.length > 0 && (
        <ul role="status" className="rounded-md border-l-4 border-warn! bg-warn-ground p-3 text-sm text-warn">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <div data-testid="products">
        <h3 className="mb-2 font-semibold">
          <Trans>Products</Trans>
        </h3>
        {products.length === 0 && (
          <p className="text-muted-foreground">
            <Trans>No product fits.</Trans>
          </p>
        )}
        {products.map(({ keyword, details }) => (
          <div key={keyword} className="mb-4">
            <h4 className="font-medium text-primary">{keyword}</h4>
            <Products keyword={keyword} products={details} />
          </div>
        ))}
      </div>
      <Models models={models} />
    </div>
  );
}

function Products({ keyword, products }: { keyword: string; products: Product[] }) {
  const { t, i18n } = useLingui();
  const columns: Column<Product>[] = [
    {
      header: t`Product`,
      accessorKey: "title",
      cell: ({ row: { original } }) => <Outside url={original.link}>{original.title}</Outside>,
    },
    {
      header: t`Price`,
      accessorKey: "price",
      enableSorting: true,
      sortingFn: (one, other) => Number(one.original.price) - Number(other.original.price),
      cell: ({ getValue }) => <span className="tabular-nums">{price(getValue<string>(), i18n.locale)}</span>,
    },
    { header: t`Mall`, accessorKey: "mall" },
  ];
  return <DataTable caption={t`Products for ${keyword}`} columns={columns} rows={products} />;
}

function Models({ models }: { models: Result["models"] }) {
  const { t } = useLingui();
  const services: Record<string, string> = {
    desk_classify: t`Is it a desk?`,
    vision2text: t`Describe it`,
    image_generation: t`Draw it anew`,
    product_search: t`Find products`,
  };
  const columns: Column<Result["models"][number]>[] = [
    { header: t`Stage`, accessorFn: ({ service }) => services[service] ?? service },
    { header: t`Model`, accessorFn: ({ model, version }) => `${model} ${version}`.trim() },
    { header: t`Provider`, accessorKey: "provider" },
  ];
  return (
    <div data-testid="models">
      <h3 className="mb-2 font-semibold">
        <Trans>Made by</Trans>
      </h3>
      <DataTable caption={t`Made by`} columns={columns} rows={models} />
    </div>
  );
}

/** A link to another server; plain text if its URL is not one of the web. */
function Outside({ url, children }: { url: string; children: ReactNode }) {
  if (!/^https?:/.test(url)) return children;
  return (
    <a href={url} target="_blank" rel="noreferrer noopener" className="text-primary underline">
      {children}
    </a>
  );
}

function isOwn(url: string): boolean {
  return url.startsWith("blob:") || new URL(url, location.href).origin === location.origin;
}

function price(digits: string, locale: string): string {
  return /^\d+$/.test(digits) ? Number(digits).toLocaleString(locale) : digits;
}
