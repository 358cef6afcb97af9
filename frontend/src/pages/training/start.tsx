import { Trans, useLingui } from "@lingui/react/macro";
import { ProblemError } from "@ml-proxy/client";
import { useRetrain } from "@ml-proxy/client/react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { may, meQuery } from "@/api/session";
import { Field } from "@/components/field";
import { ProblemAlert } from "@/components/problem-alert";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Checkbox, Input, Select } from "@/components/ui/input";
import { modelsQuery } from "./api";

type Props = { isBusy: boolean; onStart: (location: string) => void };

/** The form that starts a training. */
export function StartCard({ isBusy, onStart }: Props) {
  const { t } = useLingui();
  const queries = useQueryClient();
  const { data: me } = useQuery(meQuery);
  const { data: models = [] } = useQuery(modelsQuery);
  const retrain = useRetrain();
  const id = useId();
  const mayTeach = may(me, "ml_proxy.export_dataset") && me?.doctors == null;
  const [model, setModel] = useState("");
  const [hasVerdicts, setVerdicts] = useState(true);
  const [seed, setSeed] = useState("");
  const [promotion, setPromotion] = useState("");

  function start(event: FormEvent) {
    event.preventDefault();
    const params = { ...(seed && { seed: Number(seed) }), ...(promotion && { promote: promotion }) };
    retrain.mutate(
      { ...(model && { model }), params, ...(mayTeach && hasVerdicts && { verdicts: true }) },
      {
        onSuccess: ({ location }) => {
          onStart(location);
          queries.invalidateQueries({ queryKey: ["training", "runs"] });
        },
        onError: (error) => {
          const running = error instanceof ProblemError && error.status === 409 ? error.location : null;
          if (running) onStart(running); // somebody else has started one: watch that
        },
      },
    );
  }

  return (
    <Card aria-label={t`New training`}>
      <CardTitle>
        <Trans>New training</Trans>
      </CardTitle>
      <form onSubmit={start} className="flex flex-col gap-4">
        <Field label={t`Model`}>
          <Select value={model} onChange={({ target }) => setModel(target.value)}>
            <option value="">{t`The default model`}</option>
            {models.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </Select>
        </Field>
        {mayTeach && (
          <div className="flex items-start gap-3">
            <Checkbox
              id={id}
              aria-describedby={`${id}-hint`}
              checked={hasVerdicts}
              onChange={({ target }) => setVerdicts(target.checked)}
            />
            <div>
              <label htmlFor={id} className="font-medium">
                <Trans>Learn from doctors’ verdicts</Trans>
              </label>
              <p id={`${id}-hint`} className="text-sm text-muted-foreground">
                <Trans>Each newest verdict becomes an example, without names.</Trans>
              </p>
            </div>
          </div>
        )}
        <details>
          <summary className="w-fit text-sm text-primary">
            <Trans>More settings</Trans>
          </summary>
          <div className="mt-3 grid gap-4 sm:grid-cols-2">
            <Field label={t`Put into service`}>
              <Select value={promotion} onChange={({ target }) => setPromotion(target.value)}>
                <option value="">{t`Unless something speaks against it`}</option>
                <option value="never">{t`Never; I decide later`}</option>
                <option value="always">{t`Always`}</option>
              </Select>
            </Field>
            <Field label={t`Seed`} hint={t`A whole number; the same seed gives the same split of the data.`}>
              <Input
                inputMode="numeric"
                pattern="[0-9]{0,9}"
                value={seed}
                onChange={({ target }) => setSeed(target.value)}
              />
            </Field>
          </div>
        </details>
        {retrain.error && <ProblemAlert error={retrain.error} />}
        <Button type="submit" variant="primary" className="w-fit" disabled={isBusy || retrain.isPending}>
          <Trans>Start training</Trans>
        </Button>
      </form>
    </Card>
  );
}
