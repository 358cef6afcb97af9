import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { CircleUser, LogIn, Menu } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { meQuery } from "@/api/session";
import { Button } from "@/components/ui/button";
import { NAV, type NavItem } from "@/nav";
import { LanguageSwitch, ThemeSwitch } from "./preferences";
import { StatusBanner } from "./status-banner";

const Drawer = lazy(async () => ({ default: (await import("./ui/dialog")).Dialog }));
const AT_THE_BOTTOM = 4; // pages beside the button for the others, on a phone

/** The frame of every page: the menu, the account, and what is down. */
export function Shell() {
  const main = useFocusOnNavigation();
  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[15rem_minmax(0,1fr)]">
      <a
        href="#main"
        className="fixed top-2 left-2 z-60 -translate-y-20 rounded-md bg-card px-4 py-2 shadow focus:translate-y-0"
      >
        <Trans>Skip to the content</Trans>
      </a>
      <Sidebar />
      <div className="flex min-h-dvh min-w-0 flex-col">
        <TopBar />
        <StatusBanner />
        <main ref={main} id="main" tabIndex={-1} className="mx-auto w-full max-w-7xl flex-1 p-4 pb-24 sm:p-6 lg:pb-6">
          <Outlet />
        </main>
      </div>
      <BottomBar />
    </div>
  );
}

function Sidebar() {
  const { t } = useLingui();
  return (
    <aside className="sticky top-0 hidden h-dvh flex-col border-r bg-card p-3 lg:flex">
      <Brand />
      <nav aria-label={t`Pages`} className="mt-4 flex flex-1 flex-col gap-1 overflow-y-auto">
        {NAV.map((item) => (
          <SideLink key={item.to} item={item} />
        ))}
      </nav>
    </aside>
  );
}

function Brand() {
  return (
    <Link to="/" className="flex items-center gap-2.5 rounded-md p-1.5 text-lg font-semibold tracking-tight">
      <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width={30} height={30} />
      ML Proxy
    </Link>
  );
}

function SideLink({ item: { to, label, icon: Icon }, onClick }: { item: NavItem; onClick?: () => void }) {
  const { i18n } = useLingui();
  return (
    <Link
      to={to}
      onClick={onClick}
      className="flex h-11 items-center gap-3 rounded-md px-3 font-medium hover:bg-accent"
      activeProps={{ className: "bg-accent text-primary" }}
    >
      <Icon aria-hidden className="size-5" />
      {i18n._(label)}
    </Link>
  );
}

function TopBar() {
  return (
    <header className="flex items-center justify-between gap-2 border-b bg-card px-3 py-1 sm:px-6">
      <div className="lg:hidden">
        <Brand />
      </div>
      <div className="ml-auto flex items-center gap-1">
        <LanguageSwitch />
        <ThemeSwitch />
        <AccountLink />
      </div>
    </header>
  );
}

function AccountLink() {
  const { t } = useLingui();
  const { data: me } = useQuery(meQuery);
  const isSignedIn = Boolean(me?.name);
  const Icon = isSignedIn ? CircleUser : LogIn;
  const words = isSignedIn ? me?.name : t`Sign in`;
  return (
    <Button variant="ghost" asChild className="max-w-44 px-2!">
      <Link to={isSignedIn ? "/account" : "/sign-in"} aria-label={isSignedIn ? t`Account of ${words}` : undefined}>
        <Icon aria-hidden className="size-5 shrink-0" />
        <span className="truncate max-sm:sr-only">{words}</span>
      </Link>
    </Button>
  );
}

function BottomBar() {
  const { t, i18n } = useLingui();
  const [isOpen, setOpen] = useState(false);
  const look = "flex min-w-0 flex-1 flex-col items-center gap-0.5 px-1 py-2 text-xs font-medium";
  return (
    <nav aria-label={t`Pages`} className="fixed inset-x-0 bottom-0 z-30 flex border-t bg-card lg:hidden">
      {NAV.slice(0, AT_THE_BOTTOM).map(({ to, label, icon: Icon }) => (
        <Link key={to} to={to} className={look} activeProps={{ className: "text-primary" }}>
          <Icon aria-hidden className="size-5" />
          <span className="max-w-full truncate">{i18n._(label)}</span>
        </Link>
      ))}
      <button type="button" className={look} aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <Menu aria-hidden className="size-5" />
        <Trans>More</Trans>
      </button>
      {isOpen && (
        <Suspense>
          <Drawer
            open
            onClose={() => setOpen(false)}
            title={t`More pages`}
            className="top-auto! bottom-0! w-full! translate-y-0! rounded-b-none!"
          >
            <div className="flex flex-col gap-1">
              {NAV.slice(AT_THE_BOTTOM).map((item) => (
                <SideLink key={item.to} item={item} onClick={() => setOpen(false)} />
              ))}
            </div>
          </Drawer>
        </Suspense>
      )}
    </nav>
  );
}

/** Moves the focus to the new page's content, so that a keyboard or a screen reader goes on there. */
function useFocusOnNavigation() {
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: ({ resolvedLocation }) => resolvedLocation?.pathname });
  const previous = useRef(path);
  useEffect(() => {
    if (previous.current && previous.current !== path) main.current?.focus({ preventScroll: true });
    previous.current = path;
  }, [path]);
  return main;
}
