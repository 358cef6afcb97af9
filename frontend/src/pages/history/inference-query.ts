import type { Inference } from "@ml-proxy/client";
import { queryOptions } from "@tanstack/react-query";
import { api } from "@/api/client";
import { readNewRow } from "@/api/queries";

/** One inference with its inputs. */
export function inferenceQuery(id: string) {
  return queryOptions({
    queryKey: ["inference", id],
    ...readNewRow,
    staleTime: 60_000, // links to its files expire
    queryFn: async (): Promise<Inference> => {
      const path = { inference_id: id };
      const { data } = await api.GET("/ml/v1/history/{inference_id}/", { params: { path } });
      return data as Inference;
    },
  });
}
