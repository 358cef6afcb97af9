import { type UseQueryResult, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { type Job, type JobOptions, type RetrainRequest, cancelJob, followJob, startRetrain } from "../jobs.js";
import { useMlProxy } from "./context.js";
import { keys } from "./keys.js";

/** A job with its progress, live until it has ended: `data.state`, `data.progress`. Null: no job yet. */
export function useJob(location: string | null): UseQueryResult<Job> {
  const client = useMlProxy();
  const queries = useQueryClient();
  const queryKey = keys.job(location ?? "");
  return useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      let last: Job | undefined;
      for await (const job of followJob(client, location ?? "", signal)) {
        last = job;
        queries.setQueryData(queryKey, job);
      }
      return last as Job; // there is at least one, or an error
    },
    enabled: location !== null,
    staleTime: Infinity, // it is followed to its end
    retry: false, // `followJob` has tried again
  });
}

/** Starts a retrain: `mutate({ model: "breast-cancer" })`; `data.location` is for `useJob`. */
export function useRetrain(options?: JobOptions) {
  const client = useMlProxy();
  return useMutation({ mutationFn: (request: RetrainRequest) => startRetrain(client, request, options) });
}

/** Cancels a job: `mutate(location)`. */
export function useCancelJob() {
  const client = useMlProxy();
  return useMutation({ mutationFn: (location: string) => cancelJob(client, location) });
}
