import type { HistoryFilter } from "@ml-proxy/client";
import { Store } from "@/lib/store";

/** What to look for, as one types it. Names never go into the address: the browser would remember them. */
export type Wanted = {
  doctor: string;
  patient: string;
  model: string;
  verdict: "" | "agree" | "correct";
  since: string;
  until: string;
};

export const NOTHING: Wanted = { doctor: "", patient: "", model: "", verdict: "", since: "", until: "" };
/** Kept while the console is open, so that the way back from a record leads to the same list. */
export const wanted = new Store<Wanted>(NOTHING);

/** Whether a patient is named: then the API takes neither a model nor a verdict. */
export function isByPatient({ patient }: Wanted): boolean {
  return patient.trim() !== "";
}

/** The API's filter. Days are the reader's own, and the last one counts too. */
export function filterOf(typed: Wanted): HistoryFilter {
  const { doctor, patient, model, verdict, since, until } = typed;
  return {
    ...(doctor.trim() && { doctor: doctor.trim() }),
    ...(isByPatient(typed) ? { patient: patient.trim() } : { ...(model && { model }), ...(verdict && { verdict }) }),
    ...(since && { since: startOfDay(since, 0) }),
    ...(until && { until: startOfDay(until, 1) }),
  };
}

/** The query of an export of the same rows. */
export function exportUrl(filter: Wanted, format: string, options: Record<string, boolean>): string {
  const query = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(filterOf(filter))) query.set(name, String(value));
  for (const [name, isOn] of Object.entries(options)) if (isOn) query.set(name, "1");
  return `/ml/v1/history/export/?${query}`;
}

function startOfDay(day: string, later: number): string {
  const [year = 1970, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}
