import { useMutation, useQueryClient } from "@tanstack/react-query";

import { type ModelAnswer, type PredictOptions, type PredictRequest, predict } from "../predict.js";
import { useMlProxy } from "./context.js";
import { keys } from "./keys.js";

export interface PredictVariables extends PredictOptions {
  request: PredictRequest | FormData;
}

/** Asks the model: `mutate({ request })`. History is read anew afterwards. It does not repeat a failed call by itself. */
export function usePredict<Answer = ModelAnswer>() {
  const client = useMlProxy();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ request, ...options }: PredictVariables) => predict<Answer>(client, request, options),
    onSuccess: () => void queries.invalidateQueries({ queryKey: keys.history() }),
  });
}
