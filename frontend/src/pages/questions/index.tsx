import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { may, meQuery } from "@/api/session";
import { PageHeader } from "@/components/page-header";
import { ProblemAlert } from "@/components/problem-alert";
import { Card, CardTitle } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import { remember, remembered } from "@/lib/store";
import { type Database, databasesQuery } from "./api";
import { Desk } from "./desk";

const CHOICE = "questions.database";

export function Page() {
  const { t } = useLingui();
  const { data: me } = useQuery(meQuery);
  const isAllowed = may(me, "text_to_sql.view_database") && may(me, "text_to_sql.add_queryexecutionlog");
  return (
    <>
      <PageHeader
        title={t`Questions`}
        description={
          <Trans>Ask a database in Korean or English. You see the SQL, can change it, and run it again.</Trans>
        }
      />
      {!me ? <Skeleton className="h-60" /> : isAllowed ? <Databases caller={me.name} /> : <NotAllowed />}
    </>
  );
}

function Databases({ caller }: { caller: string }) {
  const { data: databases, error, refetch } = useQuery(databasesQuery);
  const [chosen, setChosen] = useState(() => Number(remembered(CHOICE)));
  const [question, setQuestion] = useState(""); // outlives the choice of another database
  if (error) return <ProblemAlert error={error} onRetry={refetch} />;
  if (!databases) return <Skeleton className="h-60" />;
  const database = databases.find(({ id }) => id === chosen) ?? databases[0];
  if (!database) return <NoDatabase />;
  const choose = (id: number) => {
    remember(CHOICE, String(id));
    setChosen(id);
  };
  return (
    <Desk
      key={database.id}
      caller={caller}
      database={database}
      databases={databases satisfies Database[]}
      onChoose={choose}
      question={question}
      onQuestion={setQuestion}
    />
  );
}

function NoDatabase() {
  return (
    <Card>
      <CardTitle>
        <Trans>No database is registered yet</Trans>
      </CardTitle>
      <p className="max-w-prose">
        <Trans>
          An administrator registers one with POST /ddp/db, and reads its tables in. The command generate_test_databases
          makes databases with synthetic data to try.
        </Trans>
      </p>
      <p className="mt-3">
        <a href="/api/docs/" className="text-primary underline">
          <Trans>How to register a database</Trans>
        </a>
      </p>
    </Card>
  );
}

function NotAllowed() {
  return (
    <Card>
      <CardTitle>
        <Trans>Your account may not ask databases</Trans>
      </CardTitle>
      <p className="max-w-prose">
        <Trans>Ask an administrator for the role “analyst”.</Trans>
      </p>
    </Card>
  );
}
