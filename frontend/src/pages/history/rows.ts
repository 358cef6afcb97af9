import { type HistoryFilter, historyPage, type Inference } from "@ml-proxy/client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { client } from "@/api/client";
import { predictionsOf } from "@/components/inference/predictions";

/** The first part of the key of each list. */
export const ROWS = ["history"] as const;
const PAGE_ROWS = 200;

/** What the list shows of an inference. Inputs stay out of memory: a reader may scroll through 100,000 rows. */
export type ListRow = {
  id: string;
  doctor: string;
  patient: string;
  predictedAt: string;
  label: string;
  confidence: number;
  model: string;
};

/** Endless history, newest first. */
export function useRows(filter: HistoryFilter) {
  return useInfiniteQuery({
    queryKey: [...ROWS, filter],
    queryFn: async ({ pageParam, signal }) => {
      const page = await historyPage(client, { ...filter, limit: PAGE_ROWS }, pageParam, signal);
      return { rows: page.rows.map(listRow), next: page.next };
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
}

function listRow(row: Inference): ListRow {
  const [top] = predictionsOf(row.output_data);
  return {
    id: row.id,
    doctor: row.doctor_name,
    patient: row.patient_name,
    predictedAt: row.predicted_at,
    label: top?.label ?? "",
    confidence: top?.confidence ?? 0,
    model: [row.model_name, row.model_version].filter(Boolean).join(" "),
  };
}
