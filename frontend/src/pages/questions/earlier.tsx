import { Trans, useLingui } from "@lingui/react/macro";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { type Earlier, earlierQuery } from "./api";
import type { Written } from "./statement-card";
import { TextButton } from "./text-button";

type Props = { caller: string; database: number; onOpen: (entry: Written) => void };

/** The caller's questions that were answered before, newest first; of equal ones the newest. */
export function EarlierCard({ caller, database, onOpen }: Props) {
  const { t } = useLingui();
  const { data, hasNextPage, fetchNextPage, isFetching } = useInfiniteQuery(earlierQuery(caller, database));
  const entries = newestOfEach(data?.pages.flatMap(({ entries }) => entries) ?? []);
  if (entries.length === 0) return null;
  return (
    <Card aria-label={t`Earlier questions`}>
      <CardTitle>
        <Trans>Earlier questions</Trans>
      </CardTitle>
      <ul className="flex flex-col gap-1">
        {entries.map(({ session_id: sessionId, question, sql }) => (
          <li key={sessionId}>
            <TextButton onClick={() => onOpen({ question, sessionId, sql, isAnswer: true })}>{question}</TextButton>
          </li>
        ))}
      </ul>
      {hasNextPage && (
        <Button className="mt-3" disabled={isFetching} onClick={() => void fetchNextPage()}>
          <Trans>Show older ones</Trans>
        </Button>
      )}
    </Card>
  );
}

function newestOfEach(entries: Earlier[]): Earlier[] {
  const questions = new Set<string>();
  return entries.filter(({ question }) => !questions.has(question) && questions.add(question));
}
