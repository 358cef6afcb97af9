import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { ProblemError } from "@ml-proxy/client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { client } from "@/api/client";
import { Field } from "@/components/field";
import { ProblemAlert } from "@/components/problem-alert";
import { toast } from "@/components/toaster";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Checkbox, Input, Select } from "@/components/ui/input";
import { moment } from "@/lib/format";

type Token = {
  id: string;
  name: string;
  prefix: string;
  scopes: string[];
  created_at: string;
  expires_at: string | null;
};
type Request = { name: string; scopes: string[]; expires: string };

const PATH = "/accounts/session/tokens/";
const JSON_BODY = { "Content-Type": "application/json" };
const KEY = ["tokens"];

/** One's own tokens for programs, and a form for a new one. */
export function Tokens() {
  const { t } = useLingui();
  const { data, error } = useQuery({
    queryKey: KEY,
    queryFn: async (): Promise<{ tokens: Token[]; scopes: string[] }> => (await client.send(PATH)).json(),
  });
  return (
    <Card aria-label={t`My tokens`}>
      <CardTitle>
        <Trans>My tokens</Trans>
      </CardTitle>
      <p className="-mt-2 mb-4 text-sm text-muted-foreground">
        <Trans>For programs and notebooks. A token may do what you may, or less.</Trans>
      </p>
      {error && <ProblemAlert error={error} />}
      {data && data.tokens.length > 0 && (
        <ul className="mb-5">
          {data.tokens.map((token) => (
            <TokenRow key={token.id} token={token} />
          ))}
        </ul>
      )}
      {data && <NewToken scopes={data.scopes} />}
    </Card>
  );
}

function TokenRow({ token }: { token: Token }) {
  const { t, i18n } = useLingui();
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationFn: () => client.send(`${PATH}${token.id}/`, { method: "DELETE" }),
    onSuccess: () => {
      toast(t`The token ${token.name} is revoked`);
      return queries.invalidateQueries({ queryKey: KEY });
    },
  });
  const end = token.expires_at && moment(token.expires_at, i18n.locale);
  return (
    <li className="flex items-center justify-between gap-3 border-b py-2">
      <div className="min-w-0">
        <p className="font-medium wrap-anywhere">
          {token.name} <code className="text-sm font-normal text-muted-foreground">{token.prefix}…</code>
        </p>
        <p className="text-sm text-muted-foreground">
          {token.scopes.length > 0 ? (
            <Plural
              value={token.scopes.length}
              one={`# scope: ${token.scopes.join(", ")}`}
              other={`# scopes: ${token.scopes.join(", ")}`}
            />
          ) : (
            <Trans>All that you may do</Trans>
          )}
          {end && <Trans>; until {end}</Trans>}
        </p>
        {mutation.isError && <ProblemAlert error={mutation.error} />}
      </div>
      <Button
        variant="danger"
        size="sm"
        aria-label={t`Revoke ${token.name}`}
        disabled={mutation.isPending}
        onClick={() => mutation.mutate()}
      >
        <Trans>Revoke</Trans>
      </Button>
    </li>
  );
}

function NewToken({ scopes }: { scopes: string[] }) {
  const { t } = useLingui();
  const [name, setName] = useState("");
  const [expires, setExpires] = useState("30d");
  const [chosen, setChosen] = useState<string[]>([]);
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationFn: async (request: Request): Promise<Token & { token: string }> =>
      (await client.send(PATH, { method: "POST", headers: JSON_BODY, body: JSON.stringify(request) })).json(),
    onSuccess: () => {
      setName("");
      setChosen([]);
      return queries.invalidateQueries({ queryKey: KEY });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    mutation.mutate({ name, scopes: chosen, expires });
  };
  const fault = mutation.error instanceof ProblemError ? mutation.error.fieldError("/name") : undefined;
  const toggle = (scope: string, isOn: boolean) =>
    setChosen(isOn ? [...chosen, scope] : chosen.filter((other) => other !== scope));
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_9rem]">
        <Field label={t`What is it for?`} error={fault}>
          <Input value={name} onChange={({ target }) => setName(target.value)} required maxLength={100} />
        </Field>
        <Field label={t`For how long?`}>
          <Select value={expires} onChange={({ target }) => setExpires(target.value)}>
            <option value="7d">{t`7 days`}</option>
            <option value="30d">{t`30 days`}</option>
            <option value="90d">{t`90 days`}</option>
            <option value="365d">{t`A year`}</option>
          </Select>
        </Field>
      </div>
      <fieldset>
        <legend className="mb-2 font-medium">
          <Trans>What may it do? None chosen: all that you may.</Trans>
        </legend>
        <div className="grid grid-cols-[repeat(auto-fill,minmax(8rem,1fr))] gap-2">
          {scopes.map((scope) => (
            <Scope key={scope} name={scope} isOn={chosen.includes(scope)} onChange={(isOn) => toggle(scope, isOn)} />
          ))}
        </div>
      </fieldset>
      {mutation.isError && !fault && <ProblemAlert error={mutation.error} />}
      <Button type="submit" className="self-start" disabled={mutation.isPending}>
        <Trans>Make a token</Trans>
      </Button>
      {mutation.data && <Made token={mutation.data.token} />}
    </form>
  );
}

function Scope({ name, isOn, onChange }: { name: string; isOn: boolean; onChange: (isOn: boolean) => void }) {
  const id = useId();
  return (
    <div className="flex items-center gap-2">
      <Checkbox id={id} checked={isOn} onChange={({ target }) => onChange(target.checked)} />
      <label htmlFor={id} className="text-sm">
        {name}
      </label>
    </div>
  );
}

function Made({ token }: { token: string }) {
  const { t } = useLingui();
  const copy = () => void navigator.clipboard.writeText(token).then(() => toast(t`Copied`));
  return (
    <div role="status" className="rounded-md border border-good bg-good-ground p-3">
      <p className="mb-2 text-good">
        <Trans>Copy the token now: nobody can read it again.</Trans>
      </p>
      <div className="flex flex-wrap items-center gap-3">
        <code className="min-w-0 text-sm wrap-anywhere" data-testid="new-token">
          {token}
        </code>
        <Button size="sm" onClick={copy}>
          <Trans>Copy</Trans>
        </Button>
      </div>
    </div>
  );
}
