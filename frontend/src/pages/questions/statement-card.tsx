import { Trans, useLingui } from "@lingui/react/macro";
import type { QuestionResponse } from "@ml-proxy/client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { BookmarkCheck, LoaderCircle, Play } from "lucide-react";
import { lazy, Suspense } from "react";
import { may, meQuery } from "@/api/session";
import { ProblemAlert } from "@/components/problem-alert";
import { toast } from "@/components/toaster";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import { type Database, examplesQuery, keep, type Table, tablesQuery } from "./api";
import { tablesIn } from "./statement";

const SqlEditor = lazy(async () => ({ default: (await import("./sql-editor")).SqlEditor }));
const NO_TABLES: Table[] = [];
const SMALL_MODEL = "small model, check the SQL"; // the API's words

/** A statement in its session. `isAnswer` is false if a person wrote it all; then the gateway has no session of it. */
export type Written = { question: string; sessionId: string; sql: string; isAnswer: boolean };

type Props = {
  database: Database;
  written: Written;
  answer: QuestionResponse | undefined;
  sql: string;
  onSql: (sql: string) => void;
  onRun: () => void;
  isRunning: boolean;
};

export function Statement({ database, written, answer, sql, onSql, onRun, isRunning }: Props) {
  const { t } = useLingui();
  const { data: tables = NO_TABLES } = useQuery(tablesQuery(database.id));
  const { data: me } = useQuery(meQuery);
  const isKnown = Boolean(answer?.example) && sql === answer?.sql;
  const isEmpty = sql.trim() === "";
  return (
    <Card aria-label={t`SQL`} data-testid="statement">
      <CardTitle>SQL</CardTitle>
      {written.question && (
        <p className="-mt-2 mb-2 wrap-anywhere" dir="auto">
          {written.question}
        </p>
      )}
      {answer && <Origin answer={answer} />}
      <Suspense fallback={<Skeleton className="h-28" />}>
        <SqlEditor
          value={sql}
          onChange={onSql}
          onRun={onRun}
          engine={database.engine}
          tables={tables}
          label={t`SQL statement`}
        />
      </Suspense>
      <p className="mt-1 hidden text-sm text-muted-foreground sm:block">
        <Trans>Ctrl-Enter runs it, Ctrl-Space completes names.</Trans>
      </p>
      <UsedTables tables={tablesIn(sql, tables)} />
      <div className="mt-4 flex flex-wrap gap-2">
        <Button variant="primary" onClick={onRun} disabled={isEmpty || isRunning}>
          {isRunning ? (
            <LoaderCircle aria-hidden className="size-4 animate-spin" />
          ) : (
            <Play aria-hidden className="size-4" />
          )}
          <Trans>Run</Trans>
        </Button>
        {may(me, "text_to_sql.change_database") && written.question && !isKnown && (
          <KeepButton database={database.id} written={written} sql={sql} />
        )}
      </div>
    </Card>
  );
}

/** Where the SQL is from, and how far to trust it. */
function Origin({ answer: { example, model, warning, doubts } }: { answer: QuestionResponse }) {
  return (
    <div className="mb-3 flex flex-wrap items-center gap-2 text-sm text-muted-foreground">
      {warning && (
        <Badge tone="warn">{warning === SMALL_MODEL ? <Trans>Small model, check the SQL</Trans> : warning}</Badge>
      )}
      {example && (
        <p className="wrap-anywhere">
          <Trans>
            From the verified example <q dir="auto">{example.question}</q>
          </Trans>
        </p>
      )}
      {model && (
        <p className="wrap-anywhere">
          <Trans>Written by {model.name}; no person has checked it.</Trans>
        </p>
      )}
      {doubts.length > 0 && (
        <ul className="w-full list-disc ps-5 text-foreground" data-testid="doubts">
          {doubts.map((doubt) => (
            <li key={doubt.kind + doubt.value} className="wrap-anywhere">
              <DoubtText doubt={doubt} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** What in the SQL does not fit the question. */
function DoubtText({ doubt: { kind, value } }: { doubt: QuestionResponse["doubts"][number] }) {
  switch (kind) {
    case "missing-date":
    case "missing-number":
      return <Trans>The question names {value}, and the SQL does not.</Trans>;
    case "one-day":
      return <Trans>The question names no single day, and the SQL compares with one.</Trans>;
    case "rows-of-groups":
      return <Trans>The question asks for one number, and the SQL gives a row for each group.</Trans>;
    case "no-number":
      return <Trans>The question asks how many, and the SQL shows no number.</Trans>;
    case "mixed-column":
      return <Trans>{value} stands beside a sum or a count without GROUP BY, so it is that of any row.</Trans>;
    case "subtracted-dates":
      return <Trans>Dates are texts here: their difference is not a number of days.</Trans>;
    case "whole-division":
      return <Trans>The SQL divides whole numbers, so the fraction is lost.</Trans>;
  }
}

function UsedTables({ tables }: { tables: Table[] }) {
  if (tables.length === 0) return null;
  return (
    <div className="mt-3 flex flex-wrap items-center gap-2 text-sm" data-testid="tables">
      <span className="text-muted-foreground">
        <Trans>Tables:</Trans>
      </span>
      {tables.map(({ name, kor_name }) => (
        <Badge key={name}>
          <code>{name}</code>
          {kor_name && ` ${kor_name}`}
        </Badge>
      ))}
    </div>
  );
}

function KeepButton({ database, written, sql }: { database: number; written: Written; sql: string }) {
  const { t } = useLingui();
  const queries = useQueryClient();
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => keep({ database, ...written, sql }),
    onSuccess: () => {
      toast(t`The question and its SQL are kept as an example`);
      return queries.invalidateQueries(examplesQuery(database));
    },
  });
  return (
    <>
      <Button onClick={() => mutate()} disabled={isPending || sql.trim() === ""}>
        <BookmarkCheck aria-hidden className="size-4" />
        <Trans>Keep as an example</Trans>
      </Button>
      {error && <ProblemAlert error={error} className="w-full" />}
    </>
  );
}
