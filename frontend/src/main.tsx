import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { MlProxyProvider } from "@ml-proxy/client/react";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { client } from "./api/client";
import { makeQueries } from "./api/queries";
import { meQuery } from "./api/session";
import { SignInDialog } from "./components/sign-in-dialog";
import { Toaster } from "./components/toaster";
import { startLanguage } from "./i18n";
import { makeRouter } from "./router";
import { startTheme } from "./theme";
import "./styles.css";

const queries = makeQueries();

setNonce(document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? ""); // for Radix' styles
startTheme();
void queries.prefetchQuery(meQuery); // the router waits for it
await startLanguage();
createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <I18nProvider i18n={i18n}>
      <QueryClientProvider client={queries}>
        <MlProxyProvider client={client}>
          <RouterProvider router={makeRouter(queries)} />
          <SignInDialog />
          <Toaster />
        </MlProxyProvider>
      </QueryClientProvider>
    </I18nProvider>
  </StrictMode>,
);
