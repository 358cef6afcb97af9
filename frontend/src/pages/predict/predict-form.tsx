import type { I18n } from "@lingui/core";
import { Trans, useLingui } from "@lingui/react/macro";
import { type ModelAnswer, ProblemError, predict } from "@ml-proxy/client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type KeyboardEvent, lazy, Suspense, useEffect, useMemo, useState } from "react";
import { client } from "@/api/client";
import type { Model } from "@/api/models";
import { meQuery } from "@/api/session";
import { Field } from "@/components/field";
import { predictionsOf } from "@/components/inference/predictions";
import { ProblemAlert } from "@/components/problem-alert";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Input, Select, Textarea } from "@/components/ui/input";
import { Skeleton } from "@/components/ui/skeleton";
import { isObject } from "@/lib/json";
import { useStore } from "@/lib/store";
import type { Answer } from "./answer";
import { change, type Draft, draft, fingerprint, lastAnswer } from "./draft";
import { type Example, examplesOf } from "./examples";
import { fileMembers, formSchema, requestBody } from "./schema";
import type { Fault } from "./validate";

const loadForm = () => import("./schema-form");
const SchemaForm = lazy(async () => ({ default: (await loadForm()).SchemaForm }));
loadForm().catch(() => {}); // it is large, so it is not left until the models are known; `lazy` reports a failure
const NAMES = ["doctor_name", "patient_name"];

type TextFault = { path: readonly string[]; text: string };

/** The form of one prediction: who, which model, and the model's own input. */
export function PredictForm({ models }: { models: Model[] }) {
  const { t, i18n } = useLingui();
  const now = useStore(draft);
  const model = models.find(({ name }) => name === now.model) ?? models[0];
  const schema = useMemo(() => model?.input_schema && formSchema(model.input_schema), [model]);
  const [faults, setFaults] = useState<TextFault[]>([]);
  const queries = useQueryClient();
  useDefaultDoctor();

  const mutation = useMutation({
    mutationFn: (sent: Draft) => send(sent, model, schema),
    onSuccess: (answer) => {
      lastAnswer.set(answer);
      document.getElementById("answer")?.scrollIntoView({ block: "nearest" }); // on a phone it is below the form
      void queries.invalidateQueries({ queryKey: ["history"] });
    },
    onError: (error) => setFaults(serverFaults(error)),
  });

  if (!model) return null;
  const textOf = (name: string) => faults.find(({ path }) => path[0] === name)?.text;
  const submit = async (event?: FormEvent) => {
    event?.preventDefault();
    const found = [...nameFaults(now, t`Enter a name.`), ...(await inputFaults(schema, now.input, i18n))];
    setFaults(found);
    if (found.length === 0) mutation.mutate(now);
    else focusFirstFault();
  };
  const byKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void submit();
  };
  return (
    <Card aria-label={t`Inputs`}>
      <form
        onSubmit={(event) => void submit(event)}
        onKeyDown={byKey}
        noValidate
        autoComplete="off"
        className="flex flex-col gap-5"
      >
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={t`Doctor`} error={textOf("doctor_name")}>
            <Input value={now.doctor} onChange={({ target }) => change({ doctor: target.value })} dir="auto" />
          </Field>
          <Field label={t`Patient`} error={textOf("patient_name")}>
            <Input value={now.patient} onChange={({ target }) => change({ patient: target.value })} dir="auto" />
          </Field>
          <Field label={t`Model`}>
            <Select
              value={model.name}
              onChange={({ target }) => {
                setFaults([]);
                change({ model: target.value, input: {} });
              }}
            >
              {models.map(({ name, version }) => (
                <option key={name} value={name}>
                  {`${name} ${version}`}
                </option>
              ))}
            </Select>
          </Field>
          <Examples model={model} onLoad={() => setFaults([])} />
        </div>
        {schema ? (
          <Suspense fallback={<Skeleton className="h-80" />}>
            <SchemaForm
              key={model.name}
              schema={schema}
              files={fileMembers(schema)}
              value={now.input}
              faults={faults.filter(({ path }) => !NAMES.includes(path[0] ?? ""))}
              onChange={(input) => change({ input })}
            />
          </Suspense>
        ) : (
          <JsonInput />
        )}
        {mutation.isError && <ProblemAlert error={mutation.error} />}
        {faults.length > 0 && !mutation.isError && (
          <p role="alert" className="text-bad">
            <Trans>Some inputs are missing or wrong. They are marked.</Trans>
          </p>
        )}
        <div className="sticky bottom-16 -mx-4 -mb-4 flex items-center gap-4 rounded-b-lg border-t bg-card p-4 sm:-mx-5 sm:-mb-5 sm:px-5 lg:bottom-0">
          <Button type="submit" variant="primary" disabled={mutation.isPending} className="min-w-32">
            {mutation.isPending ? <Trans>Predicting…</Trans> : <Trans>Predict</Trans>}
          </Button>
          <span className="text-sm text-muted-foreground max-sm:hidden">
            <kbd>Ctrl</kbd> + <kbd>Enter</kbd>
          </span>
        </div>
      </form>
    </Card>
  );
}

/** A doctor who may see only her own rows predicts for herself. */
function useDefaultDoctor(): void {
  const { data: me } = useQuery(meQuery);
  const own = me?.doctors?.length === 1 ? me.doctors[0] : undefined;
  useEffect(() => {
    if (own && draft.get().doctor === "") change({ doctor: own });
  }, [own]);
}

function Examples({ model, onLoad }: { model: Model; onLoad: () => void }) {
  const { t } = useLingui();
  const examples = useMemo(() => examplesOf(model), [model]);
  if (examples.length === 0) return null;
  const load = (example: Example | undefined) => {
    if (!example) return;
    onLoad();
    change({ ...example, doctor: draft.get().doctor || "Dr. Example" });
  };
  return (
    <Field label={t`Example patients`} hint={t`Invented people; loading one replaces the inputs.`}>
      <Select value="" onChange={({ target }) => load(examples[Number(target.value)])}>
        <option value="" disabled>
          {t`Load an example…`}
        </option>
        {examples.map(({ patient }, number) => (
          <option key={patient} value={String(number)}>
            {patient}
          </option>
        ))}
      </Select>
    </Field>
  );
}

/** For a model that describes no inputs. */
function JsonInput() {
  const { t } = useLingui();
  const [text, setText] = useState(() => JSON.stringify(draft.get().input, null, 2));
  const [fault, setFault] = useState("");
  const take = (written: string) => {
    setText(written);
    const value = parsed(written);
    setFault(value ? "" : t`This is not a JSON object.`);
    if (value) change({ input: value });
  };
  return (
    <Field label={t`Input as a JSON object`} error={fault}>
      <Textarea
        value={text}
        onChange={({ target }) => take(target.value)}
        rows={14}
        spellCheck={false}
        className="font-mono text-sm!"
      />
    </Field>
  );
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function send(
  sent: Draft,
  model: Model | undefined,
  schema: Record<string, unknown> | undefined,
): Promise<Answer> {
  const names = {
    doctor_name: sent.doctor,
    patient_name: sent.patient,
    ...(model?.input_schema && model.name ? { model: model.name } : {}),
  };
  const body = requestBody(names, sent.input, schema ? fileMembers(schema) : []);
  const { answer, inferenceId } = await predict<ModelAnswer>(client, body as Parameters<typeof predict>[1]);
  return {
    sent: fingerprint(sent),
    id: inferenceId,
    doctor: sent.doctor.trim(),
    patient: sent.patient.trim(),
    output: answer,
    classes: model?.classes ?? predictionsOf(answer).map(({ label }) => label),
  };
}

function nameFaults({ doctor, patient }: Draft, text: string): TextFault[] {
  const named = { doctor_name: doctor, patient_name: patient };
  return Object.entries(named)
    .filter(([, value]) => value.trim() === "")
    .map(([name]) => ({ path: [name], text }));
}

/** The check is loaded with the form's controls: not before them, nor when the gateway may be away. */
async function inputFaults(
  schema: Draft["input"] | undefined,
  input: Draft["input"],
  i18n: I18n,
): Promise<TextFault[]> {
  if (!schema) return [];
  const { faultsOf } = await loadForm();
  return faultsOf(schema, input).map(({ path, message }: Fault) => ({ path, text: i18n._(message) }));
}

/** The gateway points with `/a/b`, the reference model server with `a.b`. */
function serverFaults(error: unknown): TextFault[] {
  const body = error instanceof ProblemError && isObject(error.body) ? error.body : {};
  const listed = body.errors ?? body.fields;
  if (!Array.isArray(listed)) return [];
  return listed.filter(isObject).map((fault) => ({
    path: String(fault.pointer ?? fault.field ?? "")
      .split(/[/.]/)
      .filter(Boolean),
    text: String(fault.detail ?? fault.message ?? ""),
  }));
}

/** After the marks are on the screen. */
function focusFirstFault(): void {
  setTimeout(() => document.querySelector<HTMLElement>("main [aria-invalid=true]")?.focus(), 50);
}
