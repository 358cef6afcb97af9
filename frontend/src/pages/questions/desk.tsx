import { Trans, useLingui } from "@lingui/react/macro";
import { useQuestion } from "@ml-proxy/client/react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { LoaderCircle, Send } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useEffect, useMemo, useState } from "react";
import { Field } from "@/components/field";
import { ProblemAlert } from "@/components/problem-alert";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Select, Textarea } from "@/components/ui/input";
import { Skeleton } from "@/components/ui/skeleton";
import { type Database, type Example, earlierQuery, examplesQuery, helpFor } from "./api";
import { EarlierCard } from "./earlier";
import { HelpCard } from "./help";
import { Rows } from "./rows";
import { hasKorean, inLanguage, nearest } from "./statement";
import { Statement, type Written } from "./statement-card";
import { TextButton } from "./text-button";

type Props = {
  caller: string;
  database: Database;
  databases: Database[];
  onChoose: (id: number) => void;
  question: string;
  onQuestion: (text: string) => void;
};

const LONGEST = 2000; // letters; the API's limit
const SUGGESTED = 6;
const NO_EXAMPLES: Example[] = [];

/** One database: a question, its statement, and its rows. */
export function Desk({ caller, database, databases, onChoose, question: text, onQuestion }: Props) {
  const { t, i18n } = useLingui();
  const { ask, run, question, rows } = useQuestion(database.id, { summarize: true });
  const { data: examples = NO_EXAMPLES } = useQuery(examplesQuery(database.id));
  const [own, setOwn] = useState<Written | null>(null); // a statement that a person wrote or opened again
  const written = useMemo(
    () => own ?? answerOf(question.data, question.variables),
    [own, question.data, question.variables],
  );
  const [sql, setSql] = useState("");

  useEffect(() => {
    if (written) setSql(written.sql);
  }, [written]);

  const queries = useQueryClient();
  const answered = question.data?.session_id;
  useEffect(() => {
    if (answered) void queries.invalidateQueries(earlierQuery(caller, database.id));
  }, [answered, queries, caller, database.id]);

  const askFor = (asked: string) => {
    setOwn(null);
    onQuestion(asked);
    ask(asked);
  };
  const writeOwn = () => {
    rows.reset();
    setOwn({ question: text.trim(), sessionId: `own-${Date.now().toString(36)}`, sql: "", isAnswer: false });
  };
  const open = (entry: Written) => {
    onQuestion(entry.question);
    setOwn(entry);
    run(entry);
  };
  const runEdited = () => {
    if (written && sql.trim() && !rows.isPending) run({ sessionId: written.sessionId, sql });
  };

  const help = own ? undefined : helpFor(question.error);
  const like = question.isError ? question.variables : "";
  const suggested = nearest(like, inLanguage(like ? hasKorean(like) : i18n.locale === "ko", examples), SUGGESTED);
  return (
    <div className="grid gap-4 xl:grid-cols-[minmax(0,1fr)_20rem]">
      <div className="flex min-w-0 flex-col gap-4">
        <AskForm
          database={database}
          databases={databases}
          onChoose={onChoose}
          text={text}
          onText={onQuestion}
          onAsk={() => askFor(text.trim())}
          onWrite={writeOwn}
          isPending={question.isPending}
        />
        {question.isPending && <Skeleton className="h-40" />}
        {help && <HelpCard kind={help} error={question.error} examples={suggested} onAsk={askFor} onWrite={writeOwn} />}
        {question.isError && !help && !own && (
          <ProblemAlert error={question.error} onRetry={() => askFor(question.variables)} />
        )}
        {written && !question.isPending && (
          <Statement
            database={database}
            written={written}
            answer={own ? undefined : question.data}
            sql={sql}
            onSql={setSql}
            onRun={runEdited}
            isRunning={rows.isPending}
          />
        )}
        {rows.isPending && <Skeleton className="h-40" />}
        {rows.isError && <RunProblem error={rows.error} />}
        {rows.data && rows.variables && written && (
          <Rows
            database={database.id}
            sessionId={written.sessionId}
            sql={rows.variables.sql}
            result={rows.data}
            isStale={rows.variables.sql !== sql}
          />
        )}
      </div>
      <div className="flex min-w-0 flex-col gap-4">
        <EarlierCard caller={caller} database={database.id} onOpen={open} />
        {!help && suggested.length > 0 && (
          <Card aria-label={t`Questions to start with`}>
            <CardTitle>
              <Trans>Questions to start with</Trans>
            </CardTitle>
            <ul className="flex flex-col gap-1">
              {suggested.map((example) => (
                <li key={example.id}>
                  <TextButton onClick={() => askFor(example.question)}>{example.question}</TextButton>
                </li>
              ))}
            </ul>
          </Card>
        )}
      </div>
    </div>
  );
}

function answerOf(data: { session_id: string; sql: string } | undefined, question = ""): Written | null {
  return data ? { question, sessionId: data.session_id, sql: data.sql, isAnswer: true } : null;
}

type FormProps = {
  database: Database;
  databases: Database[];
  onChoose: (id: number) => void;
  text: string;
  onText: (text: string) => void;
  onAsk: () => void;
  onWrite: () => void;
  isPending: boolean;
};

function AskForm({ database, databases, onChoose, text, onText, onAsk, onWrite, isPending }: FormProps) {
  const { t, i18n } = useLingui();
  const isEmpty = text.trim() === "";
  const submit = (event: FormEvent | KeyboardEvent) => {
    event.preventDefault();
    if (!isEmpty && !isPending) onAsk();
  };
  const isEnter = ({ key, shiftKey, nativeEvent }: KeyboardEvent) =>
    key === "Enter" && !shiftKey && !nativeEvent.isComposing; // Enter also ends a Korean syllable
  return (
    <Card aria-label={t`Your question`}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <Field label={t`Database`} hint={database.description}>
          <Select value={database.id} onChange={({ target }) => onChoose(Number(target.value))}>
            {databases.map((each) => (
              <option key={each.id} value={each.id}>
                {nameOf(each, i18n.locale)}
              </option>
            ))}
          </Select>
        </Field>
        <Field label={t`Question`}>
          <Textarea
            value={text}
            maxLength={LONGEST}
            rows={2}
            dir="auto"
            className="min-h-18!"
            placeholder={t`For example: How many orders were placed in the last month?`}
            onChange={({ target }) => onText(target.value)}
            onKeyDown={(event) => isEnter(event) && submit(event)}
          />
        </Field>
        <div className="flex flex-wrap gap-2">
          <Button type="submit" variant="primary" disabled={isEmpty || isPending}>
            {isPending ? (
              <LoaderCircle aria-hidden className="size-4 animate-spin" />
            ) : (
              <Send aria-hidden className="size-4" />
            )}
            <Trans>Ask</Trans>
          </Button>
          <Button onClick={onWrite}>
            <Trans>Write the SQL yourself</Trans>
          </Button>
        </div>
      </form>
    </Card>
  );
}

function nameOf({ kor_name, eng_name }: Database, locale: string): string {
  const [first, second] = locale === "ko" ? [kor_name, eng_name] : [eng_name, kor_name];
  return first && second && first !== second ? `${first} (${second})` : first || second;
}

/** Why a statement did not run. Who wrote it mends it, so it says first where the fault is. */
function RunProblem({ error }: { error: unknown }) {
  return (
    <div>
      <ProblemAlert error={error} />
      <p className="mt-2 text-sm text-muted-foreground">
        <Trans>Change the SQL above and run it again. Only a single SELECT may run; nothing was changed.</Trans>
      </p>
    </div>
  );
}
