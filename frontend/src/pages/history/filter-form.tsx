import { Trans, useLingui } from "@lingui/react/macro";
import { type FormEvent, useState } from "react";
import { Field } from "@/components/field";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { NOTHING, type Wanted, wanted } from "./filter";

export function FilterForm() {
  const { t } = useLingui();
  const [typed, setTyped] = useState<Wanted>(wanted.get());
  const set = (part: Partial<Wanted>) => setTyped({ ...typed, ...part });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    wanted.set(typed);
  };
  const clear = () => {
    setTyped(NOTHING);
    wanted.set(NOTHING);
  };
  return (
    <form
      onSubmit={submit}
      method="post"
      autoComplete="off"
      className="mb-4 grid grid-cols-2 items-end gap-3 lg:grid-cols-[minmax(0,1fr)_minmax(0,1fr)_10rem_10rem_auto]"
    >
      <Field label={t`Doctor`} className="max-lg:col-span-2">
        <Input
          value={typed.doctor}
          placeholder={t`The whole name`}
          onChange={({ target }) => set({ doctor: target.value })}
          dir="auto"
        />
      </Field>
      <Field label={t`Patient`} className="max-lg:col-span-2">
        <Input
          value={typed.patient}
          placeholder={t`The whole name`}
          onChange={({ target }) => set({ patient: target.value })}
          dir="auto"
        />
      </Field>
      <Field label={t`From`}>
        <Input type="date" value={typed.since} onChange={({ target }) => set({ since: target.value })} />
      </Field>
      <Field label={t`To`}>
        <Input type="date" value={typed.until} onChange={({ target }) => set({ until: target.value })} />
      </Field>
      <div className="flex gap-2 max-lg:col-span-2">
        <Button type="submit" variant="primary">
          <Trans>Look up</Trans>
        </Button>
        <Button variant="ghost" onClick={clear}>
          <Trans>Clear</Trans>
        </Button>
      </div>
    </form>
  );
}
