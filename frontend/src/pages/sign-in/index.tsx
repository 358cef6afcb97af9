import { useLingui } from "@lingui/react/macro";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { meQuery } from "@/api/session";
import { PageHeader } from "@/components/page-header";
import { LanguageSwitch, ThemeSwitch } from "@/components/preferences";
import { SignInForm } from "@/components/sign-in-form";
import { StatusBanner } from "@/components/status-banner";
import { Card } from "@/components/ui/card";

const route = getRouteApi("/sign-in");

export function Page() {
  const { t } = useLingui();
  const queries = useQueryClient();
  const router = useRouter();
  const { next } = route.useSearch();
  const signedIn = async () => {
    await queries.resetQueries({ queryKey: meQuery.queryKey });
    router.history.push(ownPath(next));
  };
  return (
    <div className="flex min-h-dvh flex-col">
      <StatusBanner />
      <header className="flex justify-end gap-1 p-2">
        <LanguageSwitch />
        <ThemeSwitch />
      </header>
      <main className="mx-auto flex w-full max-w-md flex-1 flex-col justify-center p-4 pb-24">
        <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width={48} height={48} className="mb-4" />
        <PageHeader title={t`Sign in to ML Proxy`} />
        <Card>
          <SignInForm onSignedIn={() => void signedIn()} next={next} />
        </Card>
      </main>
    </div>
  );
}

/** The page to go on to: one of this origin, whatever the address says. */
function ownPath(next: string | undefined): string {
  const url = new URL(next ?? "/", location.origin);
  return url.origin === location.origin ? url.pathname + url.search : "/";
}
