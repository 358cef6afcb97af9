import type { Inference } from "@ml-proxy/client";
import { queryOptions } from "@tanstack/react-query";
import { api } from "@/api/client";

const NEW_ROW = { tries: 6, ms: 700 }; // a fresh prediction becomes a row within a second or so

/** One inference with its inputs. */
export function inferenceQuery(id: string) {
  return queryOptions({
    queryKey: ["inference", id],
    retry: (count, error) => count < NEW_ROW.tries && "status" in error && error.status === 404,
    retryDelay: NEW_ROW.ms,
    staleTime: 60_000, // links to its files expire
    queryFn: async (): Promise<Inference> => {
      const path = { inference_id: id };
      const { data } = await api.GET("/ml/v1/history/{inference_id}/", { params: { path } });
      return data as Inference;
    },
  });
}
