import { createMlProxy } from "@ml-proxy/client";
import { MlProxyProvider, useHistory, useJob, usePredict, useQuestion, useRetrain } from "@ml-proxy/client/react";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";

const parameters = new URLSearchParams(window.location.search);
const gateway = parameters.get("gateway") ?? "";
const database = Number(parameters.get("database"));
const queries = new QueryClient();

function Application() {
  const [token, setToken] = useState("");
  const client = useMemo(() => createMlProxy({ baseUrl: gateway, token }), [token]);
  if (!token) {
    return (
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setToken(String(new FormData(event.currentTarget).get("token")));
        }}
      >
        <input name="token" aria-label="token" />
        <button type="submit">Sign in</button>
      </form>
    );
  }
  return (
    <MlProxyProvider client={client}>
      <Predict />
      <Training />
      <Question />
    </MlProxyProvider>
  );
}

function Predict() {
  const predict = usePredict();
  const history = useHistory({ doctor: "Dr. Browser", limit: 1 });
  const request = { doctor_name: "Dr. Browser", patient_name: "Hong Gildong", ...window.example };
  return (
    <section>
      <button type="button" onClick={() => predict.mutate({ request })}>
        Predict
      </button>
      <button type="button" onClick={() => void history.refetch()}>
        Refresh
      </button>
      <button type="button" onClick={() => void history.fetchNextPage()} disabled={!history.hasNextPage}>
        More
      </button>
      <output data-testid="label">{predict.data?.answer.predictions?.[0]?.label}</output>
      <output data-testid="record">{predict.data?.inferenceId}</output>
      <output data-testid="error">{predict.error?.message ?? history.error?.message}</output>
      <ul>{history.data?.pages.flatMap((page) => page.rows.map((row) => <li key={row.id}>{row.id}</li>))}</ul>
    </section>
  );
}

function Training() {
  const retrain = useRetrain();
  const job = useJob(retrain.data?.location ?? null);
  return (
    <section>
      <button type="button" onClick={() => retrain.mutate({ params: { min_seconds: 0.5 } })}>
        Train
      </button>
      <output data-testid="job">{job.data && `${job.data.state} ${job.data.progress.percent}`}</output>
    </section>
  );
}

function Question() {
  const { ask, run, question, rows } = useQuestion(database);
  const [text, setText] = useState("");
  return (
    <section>
      <input aria-label="question" value={text} onChange={({ target }) => setText(target.value)} />
      <button type="button" onClick={() => ask(text)}>
        Ask
      </button>
      <button type="button" onClick={() => run({ sessionId: "own", sql: "SELECT 1 AS one" })}>
        Run
      </button>
      <output data-testid="sql">{question.data?.sql}</output>
      <output data-testid="data">{rows.data && JSON.stringify(rows.data.data)}</output>
      <output data-testid="fault">{question.error?.message ?? rows.error?.message}</output>
    </section>
  );
}

declare global {
  interface Window {
    example: object;
  }
}

createRoot(document.body.appendChild(document.createElement("main"))).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <Application />
    </QueryClientProvider>
  </StrictMode>,
);
