import { type ReactNode, createContext, createElement, useContext } from "react";

import type { MlProxy } from "../client.js";

const Context = createContext<MlProxy | null>(null);

/** Gives the hooks below it their client. It stands inside of TanStack Query's `QueryClientProvider`. */
export function MlProxyProvider({ client, children }: { client: MlProxy; children?: ReactNode }): ReactNode {
  return createElement(Context.Provider, { value: client }, children);
}

/** The client of the nearest `MlProxyProvider`. Throws if there is none. */
export function useMlProxy(): MlProxy {
  const client = useContext(Context);
  if (client === null) throw new Error("Wrap the application in <MlProxyProvider client={createMlProxy(…)}>.");
  return client;
}
