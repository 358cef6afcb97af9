import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { modelsQuery } from "./api/models";
import { meQuery } from "./api/session";
import { NotFound, RouteError } from "./components/route-error";
import { Shell } from "./components/shell";
import { loadCatalogue } from "./i18n";

type Context = { queries: QueryClient };

const root = createRootRouteWithContext<Context>()({ component: Outlet, notFoundComponent: NotFound });

/** Everything but the sign-in page: it needs a caller, and has the menu around it. */
const shell = createRoute({
  getParentRoute: () => root,
  id: "shell",
  component: Shell,
  async beforeLoad({ context, location }) {
    const me = await context.queries.ensureQueryData({ ...meQuery, retry: false }).catch(() => undefined); // the page says what is down
    if (me === null) throw redirect({ to: "/sign-in", search: { next: location.href } });
  },
});

const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/predict", replace: true });
  },
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (search): { next?: string } => ({ next: text(search.next) }),
  loader: () => loadCatalogue("sign-in"),
  component: lazyRouteComponent(() => import("./pages/sign-in"), "Page"),
});

const predict = createRoute({
  getParentRoute: () => shell,
  path: "/predict",
  loader({ context }) {
    void context.queries.prefetchQuery(modelsQuery); // while the page's code is loaded
    return loadCatalogue("predict");
  },
  component: lazyRouteComponent(() => import("./pages/predict"), "Page"),
});

const history = createRoute({
  getParentRoute: () => shell,
  path: "/history",
  loader: () => loadCatalogue("history"),
  component: lazyRouteComponent(() => import("./pages/history"), "Page"),
});

const inference = createRoute({
  getParentRoute: () => shell,
  path: "/history/$id",
  loader: () => loadCatalogue("history"),
  component: lazyRouteComponent(() => import("./pages/history/record"), "Page"),
});

const training = createRoute({
  getParentRoute: () => shell,
  path: "/training",
  loader: () => loadCatalogue("training"),
  component: lazyRouteComponent(() => import("./pages/training"), "Page"),
});

const insight = createRoute({
  getParentRoute: () => shell,
  path: "/insight",
  loader: () => loadCatalogue("insight"),
  component: lazyRouteComponent(() => import("./pages/insight"), "Page"),
});

const questions = createRoute({
  getParentRoute: () => shell,
  path: "/questions",
  loader: () => loadCatalogue("questions"),
  component: lazyRouteComponent(() => import("./pages/questions"), "Page"),
});

const pictures = createRoute({
  getParentRoute: () => shell,
  path: "/pictures",
  loader: () => loadCatalogue("pictures"),
  component: lazyRouteComponent(() => import("./pages/pictures"), "Page"),
});

const system = createRoute({
  getParentRoute: () => shell,
  path: "/system",
  loader: () => loadCatalogue("system"),
  component: lazyRouteComponent(() => import("./pages/system"), "Page"),
});

const account = createRoute({
  getParentRoute: () => shell,
  path: "/account",
  loader: () => loadCatalogue("account"),
  component: lazyRouteComponent(() => import("./pages/account"), "Page"),
});

const pages = [home, predict, history, inference, training, insight, questions, pictures, system, account];

export function makeRouter(queries: QueryClient) {
  return createRouter({
    routeTree: root.addChildren([signIn, shell.addChildren(pages)]),
    context: { queries },
    defaultPreload: "intent",
    defaultErrorComponent: RouteError,
    scrollRestoration: true,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
