import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type Me, meQuery, signOut } from "@/api/session";
import { Facts } from "@/components/inference/facts";
import { PageHeader } from "@/components/page-header";
import { ProblemAlert } from "@/components/problem-alert";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { draft, lastAnswer } from "../predict/draft";
import { Tokens } from "./tokens";

export function Page() {
  const { t } = useLingui();
  const { data: me, error } = useQuery(meQuery);
  return (
    <>
      <PageHeader title={t`Account`} description={t`Who you are here, what you may do, and your tokens.`} />
      {error && <ProblemAlert error={error} />}
      {me && !me.name && <Anonymous />}
      {me?.name && (
        <div className="grid items-start gap-5 lg:grid-cols-2">
          <Identity me={me} />
          <Tokens />
        </div>
      )}
    </>
  );
}

function Anonymous() {
  return (
    <Card>
      <p className="mb-3">
        <Trans>Nobody is signed in. This gateway is open to everybody on this computer.</Trans>
      </p>
      <Button variant="primary" asChild>
        <Link to="/sign-in">
          <Trans>Sign in</Trans>
        </Link>
      </Button>
    </Card>
  );
}

function Identity({ me }: { me: Me }) {
  const { t } = useLingui();
  const ways: Record<Me["signed_in_by"], string> = {
    open: t`not at all: the gateway is open`,
    token: t`a token`,
    password: t`a password`,
    "one-click": t`one click, on this computer`,
    oidc: t`the identity provider`,
  };
  return (
    <Card aria-label={t`Who I am`}>
      <CardTitle>{me.name}</CardTitle>
      <Facts
        facts={[
          [t`Signed in by`, ways[me.signed_in_by]],
          [t`Roles`, <Roles key="roles" me={me} />],
          [t`Doctors whose rows you see`, me.doctors === null ? t`all` : me.doctors.join(", ") || t`none`],
        ]}
      />
      <details className="mt-4">
        <summary className="w-fit text-primary">
          <Trans>Permissions</Trans>
        </summary>
        <p className="mt-2 text-sm wrap-anywhere">
          {me.is_superuser ? <Trans>All of them</Trans> : me.permissions.join(", ") || <Trans>None</Trans>}
        </p>
      </details>
      <div className="mt-5 flex flex-wrap gap-3">
        <SignOut />
        {me.signed_in_by === "password" && (
          <Button asChild>
            <a href="/accounts/password/">
              <Trans>Change the password</Trans>
            </a>
          </Button>
        )}
      </div>
    </Card>
  );
}

function Roles({ me }: { me: Me }) {
  const names = me.is_superuser ? ["superuser", ...me.roles] : me.roles;
  if (names.length === 0) return <Trans>none: ask for one</Trans>;
  return (
    <span className="flex flex-wrap gap-1.5">
      {names.map((name) => (
        <Badge key={name}>{name}</Badge>
      ))}
    </span>
  );
}

function SignOut() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const mutation = useMutation({
    mutationFn: signOut,
    onSuccess: (endSession) => {
      draft.set({ model: "", doctor: "", patient: "", input: {} }); // the next person must not see it
      lastAnswer.set(null);
      queries.clear();
      if (endSession) location.assign(endSession);
      else void navigate({ to: "/sign-in" });
    },
  });
  return (
    <>
      <Button variant="primary" disabled={mutation.isPending} onClick={() => mutation.mutate()}>
        <Trans>Sign out</Trans>
      </Button>
      {mutation.isError && <ProblemAlert error={mutation.error} />}
    </>
  );
}
