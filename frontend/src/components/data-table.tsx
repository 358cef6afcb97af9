import { type ColumnDef, flexRender, getCoreRowModel, getSortedRowModel, useReactTable } from "@tanstack/react-table";
import { cn } from "@/lib/cn";

// biome-ignore lint/suspicious/noExplicitAny: columns of one table have values of different types
export type Column<T> = ColumnDef<T, any>;

type Props<T> = { caption: string; columns: Column<T>[]; rows: T[]; empty?: string; className?: string };

const ARIA_SORT = { asc: "ascending", desc: "descending" } as const;

/** A table for up to some hundreds of rows; columns sort where their definition lets them. */
export function DataTable<T>({ caption, columns, rows, empty, className }: Props<T>) {
  const table = useReactTable({
    data: rows,
    columns,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    defaultColumn: { enableSorting: false },
  });
  return (
    <section className={cn("relative overflow-x-auto", className)} aria-label={caption} tabIndex={0}>
      <table className="w-full border-collapse text-left text-sm">
        <caption className="sr-only">{caption}</caption>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map(({ id, column, getContext }) => {
                const sorted = column.getIsSorted();
                const head = flexRender(column.columnDef.header, getContext());
                return (
                  <th
                    key={id}
                    scope="col"
                    aria-sort={sorted ? ARIA_SORT[sorted] : undefined}
                    className="border-b border-input px-2 py-2 font-medium whitespace-nowrap text-muted-foreground"
                  >
                    {column.getCanSort() ? (
                      <button type="button" onClick={column.getToggleSortingHandler()}>
                        {head} <span aria-hidden>{sorted === "asc" ? "↑" : sorted === "desc" ? "↓" : "↕"}</span>
                      </button>
                    ) : (
                      head
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => (
            <tr key={row.id}>
              {row.getVisibleCells().map((cell) => (
                <td key={cell.id} className="border-b px-2 py-2 align-top wrap-break-word">
                  {flexRender(cell.column.columnDef.cell, cell.getContext())}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && empty && <p className="py-6 text-center text-muted-foreground">{empty}</p>}
    </section>
  );
}
