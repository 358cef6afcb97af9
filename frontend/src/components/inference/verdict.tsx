import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { readNewRow, writeToNewRow } from "@/api/queries";
import { may, meQuery } from "@/api/session";
import { Field } from "@/components/field";
import { ProblemAlert } from "@/components/problem-alert";
import { toast } from "@/components/toaster";
import { Button } from "@/components/ui/button";
import { Input, Select } from "@/components/ui/input";
import { moment } from "@/lib/format";
import { useModelText } from "./model-texts";

const AGREE = "";

type Props = { id: string; classes: readonly string[]; top: string | undefined };

/** What doctors said of an inference, newest first, and a form for one's own verdict. */
export function Verdict({ id, classes, top }: Props) {
  const { data: me } = useQuery(meQuery);
  return (
    <div className="flex flex-col gap-4">
      {may(me, "ml_proxy.view_feedback") && <Given id={id} />}
      {may(me, "ml_proxy.add_feedback") && <VerdictForm id={id} classes={classes} top={top} />}
    </div>
  );
}

const verdictsKey = (id: string) => ["verdicts", id];

function Given({ id }: { id: string }) {
  const { i18n } = useLingui();
  const textOf = useModelText();
  const { data, error } = useQuery({
    queryKey: verdictsKey(id),
    queryFn: async () => {
      const { data } = await api.GET("/ml/v1/history/{inference_id}/feedback/", {
        params: { path: { inference_id: id } },
      });
      return data ?? [];
    },
    ...readNewRow,
  });
  if (error) return <ProblemAlert error={error} />;
  if (!data || data.length === 0) return null;
  return (
    <ol className="flex flex-col gap-1.5" data-testid="verdicts">
      {data.map((verdict) => (
        <li key={verdict.id} className="wrap-anywhere">
          <strong className="font-semibold">
            {verdict.verdict === "agree" ? (
              <Trans>The model was right: {textOf(verdict.label ?? "")}</Trans>
            ) : (
              <Trans>Corrected: {textOf(verdict.label ?? "")}</Trans>
            )}
          </strong>{" "}
          <span className="text-sm text-muted-foreground">
            {[verdict.caller, moment(verdict.created_at, i18n.locale)].filter(Boolean).join(", ")}
          </span>
          {verdict.note && <p dir="auto">{verdict.note}</p>}
        </li>
      ))}
    </ol>
  );
}

function VerdictForm({ id, classes, top }: Props) {
  const { t } = useLingui();
  const textOf = useModelText();
  const [choice, setChoice] = useState(AGREE);
  const [note, setNote] = useState("");
  const queries = useQueryClient();
  const others = classes.filter((name) => name !== top).map((label) => ({ label, name: textOf(label) }));
  const mutation = useMutation({
    mutationFn: () =>
      api.POST("/ml/v1/history/{inference_id}/feedback/", {
        params: { path: { inference_id: id } },
        body: choice === AGREE ? { verdict: "agree", note } : { verdict: "correct", label: choice, note },
      }),
    ...writeToNewRow,
    onSuccess: () => {
      setNote("");
      toast(t`Your verdict is saved`);
      return queries.invalidateQueries({ queryKey: verdictsKey(id) });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    mutation.mutate();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <Field label={t`Your verdict`}>
        {classes.length > 0 ? (
          <Select value={choice} onChange={(event) => setChoice(event.target.value)}>
            <option value={AGREE}>{t`The model is right`}</option>
            {others.map(({ label, name }) => (
              <option key={label} value={label}>
                {t`No, it is: ${name}`}
              </option>
            ))}
          </Select>
        ) : (
          <Input
            value={choice}
            placeholder={t`Blank if the model is right, else what it is`}
            onChange={(event) => setChoice(event.target.value)}
            dir="auto"
          />
        )}
      </Field>
      <Field label={t`Note`}>
        <Input value={note} onChange={(event) => setNote(event.target.value)} maxLength={1000} dir="auto" />
      </Field>
      {mutation.isError && <ProblemAlert error={mutation.error} />}
      <Button type="submit" className="self-start" disabled={mutation.isPending}>
        <Trans>Save the verdict</Trans>
      </Button>
    </form>
  );
}
