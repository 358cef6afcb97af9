import { Trans, useLingui } from "@lingui/react/macro";
import { hasEnded } from "@ml-proxy/client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { randomHex } from "@/api/client";
import { may, meQuery } from "@/api/session";
import { PageHeader } from "@/components/page-header";
import { ProblemAlert } from "@/components/problem-alert";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { classify, JOBS, jobsQuery, missingModelsQuery, type Photo, redraw, USE_IMAGING } from "./api";
import { Earlier } from "./earlier";
import { LiveJob } from "./live-job";
import { PhotoCard } from "./photo-card";
import { Verdict } from "./verdict";

type Watched = { location: string; photo: Photo | null };

export function Page() {
  const { t } = useLingui();
  const { data: me } = useQuery(meQuery);
  return (
    <>
      <PageHeader
        title={t`Pictures`}
        description={
          <Trans>Give a photo of a desk. You get a new picture of it, and products that would suit it.</Trans>
        }
      />
      {me && !may(me, USE_IMAGING) ? (
        <Card>
          <Trans>
            Your roles do not let you use pictures. Ask an administrator for the role <code>designer</code>.
          </Trans>
        </Card>
      ) : (
        me && <Studio />
      )}
    </>
  );
}

function Studio() {
  const queries = useQueryClient();
  const [photo, setPhoto] = useState<Photo | null>(null);
  const [watched, setWatched] = useState<Watched | null>(null);
  const { data: jobs } = useQuery(jobsQuery);
  const key = useRef(randomHex(16));
  const verdict = useMutation({ mutationFn: classify });
  const start = useMutation({
    mutationFn: (chosen: Photo) => redraw(chosen, key.current),
    onSuccess: (location, chosen) => {
      key.current = randomHex(16); // the next click is a job of its own; a repeat after an error is the same one
      setWatched({ location, photo: chosen });
      void queries.invalidateQueries({ queryKey: jobsQuery.queryKey });
    },
  });
  const choose = (chosen: Photo | null) => {
    key.current = randomHex(16);
    verdict.reset(); // what was said about another photo does not stand beside this one
    start.reset();
    setPhoto(chosen);
  };
  const onEnd = useCallback(() => void queries.invalidateQueries({ queryKey: jobsQuery.queryKey }), [queries]);
  const active = jobs?.find((job) => !hasEnded(job));

  useEffect(() => {
    if (active) setWatched((known) => known ?? { location: `${JOBS}${active.id}/`, photo: null });
  }, [active]);

  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,26rem)_minmax(0,1fr)]">
      <div className="flex min-w-0 flex-col gap-4">
        <MissingModels />
        <PhotoCard photo={photo} onChoose={choose} />
        <div>
          <div className="flex flex-wrap gap-2">
            <Button variant="primary" disabled={!photo || start.isPending} onClick={() => photo && start.mutate(photo)}>
              <Trans>Make a better desk</Trans>
            </Button>
            <Button disabled={!photo || verdict.isPending} onClick={() => photo && verdict.mutate(photo)}>
              <Trans>Is it a desk?</Trans>
            </Button>
          </div>
          {verdict.data && <Verdict found={verdict.data} />}
          {verdict.error && <ProblemAlert error={verdict.error} className="mt-4" />}
          {start.error && <ProblemAlert error={start.error} className="mt-4" />}
        </div>
      </div>
      <div className="flex min-w-0 flex-col gap-4">
        {watched && <LiveJob key={watched.location} {...watched} onEnd={onEnd} />}
        <Earlier jobs={jobs} onOpen={(id) => setWatched({ location: `${JOBS}${id}/`, photo: null })} />
      </div>
    </div>
  );
}

/** Says before anybody waits that a model is not there. */
function MissingModels() {
  const { data: missing } = useQuery(missingModelsQuery);
  const names = missing?.join(", ");
  if (!names) return null;
  return (
    <div role="status" className="rounded-md border-l-4 border-warn! bg-warn-ground p-3 text-sm text-warn">
      <Trans>
        Models are not on this machine yet: {names}. <code>make up</code> fetches them in the background;{" "}
        <code>make models</code> does so now.
      </Trans>
    </div>
  );
}
