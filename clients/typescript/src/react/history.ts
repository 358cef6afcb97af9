import { useInfiniteQuery } from "@tanstack/react-query";

import { type HistoryFilter, historyPage } from "../history.js";
import { keys } from "./keys.js";
import { useMlProxy } from "./context.js";
import { retry } from "./retry.js";

/** Endless history: `data.pages` has the pages, `fetchNextPage()` reads one more while `hasNextPage`. */
export function useHistory(filter: HistoryFilter = {}) {
  const client = useMlProxy();
  return useInfiniteQuery({
    queryKey: keys.history(filter),
    queryFn: ({ pageParam, signal }) => historyPage(client, filter, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    ...retry,
  });
}
