import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { modelsQuery } from "@/api/models";
import { may, meQuery } from "@/api/session";
import { Field } from "@/components/field";
import { Button } from "@/components/ui/button";
import { Input, Select } from "@/components/ui/input";
import { isByPatient, NOTHING, type Wanted, wanted } from "./filter";
import { ROWS } from "./rows";

export function FilterForm() {
  const { t } = useLingui();
  const [typed, setTyped] = useState<Wanted>(wanted.get());
  const { data: me } = useQuery(meQuery);
  const { data: models = [] } = useQuery(modelsQuery);
  const isChoice = !isByPatient(typed);
  const noChoice = isChoice ? undefined : t`Not together with a patient`;
  const set = (part: Partial<Wanted>) => setTyped({ ...typed, ...part });
  const queries = useQueryClient();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    wanted.set(typed);
    void queries.resetQueries({ queryKey: ROWS }); // new rows too, if the filter is the same as before
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
      className="mb-4 grid grid-cols-2 items-end gap-3 lg:grid-cols-4"
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
      <Field label={t`Model`} hint={noChoice}>
        <Select
          value={isChoice ? typed.model : ""}
          disabled={!isChoice}
          onChange={({ target }) => set({ model: target.value })}
        >
          <option value="">{t`All models`}</option>
          {models.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </Select>
      </Field>
      {may(me, "ml_proxy.view_feedback") && (
        <Field label={t`Verdict`} hint={noChoice}>
          <Select
            value={isChoice ? typed.verdict : ""}
            disabled={!isChoice}
            onChange={({ target }) => set({ verdict: target.value as Wanted["verdict"] })}
          >
            <option value="">{t`With or without`}</option>
            <option value="agree">{t`The model was right`}</option>
            <option value="correct">{t`Corrected`}</option>
          </Select>
        </Field>
      )}
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
