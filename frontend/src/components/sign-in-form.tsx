import { Trans, useLingui } from "@lingui/react/macro";
import { ProblemError } from "@ml-proxy/client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { signIn, signInWaysQuery, signInWithOneClick } from "@/api/session";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Field } from "./field";
import { ProblemAlert } from "./problem-alert";

type Props = { onSignedIn: () => void; next?: string; isInDialog?: boolean };

/**
 * Name and password, and the other ways to sign in where there are any. `next`: the page to come back to. In a dialog
 * the identity provider opens in another tab, so that the page keeps what was typed.
 */
export function SignInForm({ onSignedIn, next, isInDialog }: Props) {
  const ways = useQuery(signInWaysQuery);
  return (
    <div className="flex flex-col gap-4">
      {ways.isError && <ProblemAlert error={ways.error} onRetry={() => void ways.refetch()} />}
      {ways.data?.one_click && <OneClick onSignedIn={onSignedIn} />}
      {ways.data?.provider && <Provider {...ways.data.provider} next={next} isInDialog={isInDialog} />}
      <PasswordForm onSignedIn={onSignedIn} />
      {ways.data?.contact && (
        <p className="text-sm text-muted-foreground">
          <Trans>No account, or a forgotten password? Ask {ways.data.contact}.</Trans>
        </p>
      )}
    </div>
  );
}

function OneClick({ onSignedIn }: Pick<Props, "onSignedIn">) {
  const mutation = useMutation({ mutationFn: signInWithOneClick, onSuccess: onSignedIn });
  return (
    <div className="flex flex-col gap-2">
      <Button variant="primary" disabled={mutation.isPending} onClick={() => mutation.mutate()}>
        <Trans>Sign in as this computer’s administrator</Trans>
      </Button>
      <p className="text-sm text-muted-foreground">
        <Trans>Without a password, because this gateway runs for development on this computer.</Trans>
      </p>
      {mutation.isError && <ProblemAlert error={mutation.error} />}
    </div>
  );
}

function Provider({ name, url, next, isInDialog }: { name: string; url: string } & Omit<Props, "onSignedIn">) {
  return (
    <Button variant="primary" asChild>
      <a href={`${url}?next=${encodeURIComponent(next ?? "/")}`} target={isInDialog ? "_blank" : undefined}>
        <Trans>Sign in with {name}</Trans>
      </a>
    </Button>
  );
}

function PasswordForm({ onSignedIn }: Pick<Props, "onSignedIn">) {
  const { t } = useLingui();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const mutation = useMutation({ mutationFn: () => signIn(username, password), onSuccess: onSignedIn });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    mutation.mutate();
  };
  const isWrong = mutation.error instanceof ProblemError && mutation.error.status === 400;
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Field label={t`User name`}>
        <Input
          value={username}
          onChange={(event) => setUsername(event.target.value)}
          required
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
        />
      </Field>
      <Field label={t`Password`} error={isWrong ? t`The name or the password is wrong.` : undefined}>
        <Input
          type="password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          required
          autoComplete="current-password"
        />
      </Field>
      {mutation.isError && !isWrong && <ProblemAlert error={mutation.error} />}
      <Button type="submit" disabled={mutation.isPending}>
        <Trans>Sign in</Trans>
      </Button>
    </form>
  );
}
