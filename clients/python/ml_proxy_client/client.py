"""The client: one method for each thing that a notebook or a cron job does."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from ml_proxy_client.errors import Unreachable
from ml_proxy_client.jobs import RunningJob
from ml_proxy_client.transport import Transport

CHUNK_BYTES = 1 << 16
RETRAIN = "/ml/v1/retrain/jobs/"
PICTURES = "/ai/generated/v1/"


@dataclass(frozen=True)
class Prediction:
    """The model's answer, and the id of its record in history, which appears there some moments later."""

    answer: Any
    inference_id: str


@dataclass(frozen=True)
class Answer:
    """The answer to a question: the SQL, and the rows that it read, each by column. `summary` may be None."""

    sql: str
    session_id: str
    rows: list[dict[str, Any]]
    columns: list[dict[str, str]]
    truncated: bool
    summary: str | None


class MlProxy:
    """A gateway. `url` and `token` default to ML_PROXY_URL and ML_PROXY_TOKEN.

    `timeout` is in seconds, for each wait for the gateway. `attempts` counts the tries of what is safe to repeat:
    reads, and requests with an idempotency key. Every method raises `ProblemError` and `Unreachable`.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, timeout: float = 60.0, attempts: int = 3
    ) -> None:
        self._transport = Transport(url, token, timeout=timeout, attempts=attempts)

    def predict(self, request: Mapping[str, Any], *, idempotency_key: str | None = None) -> Prediction:
        """Asks the model. The request has `doctor_name`, `patient_name` and what the model needs.

        Without a key, a failed call is not repeated: it may have left a record.
        """
        sent = self._transport.send("POST", "/ml/v1/predict/", key=idempotency_key, json=request)
        return Prediction(sent.json(), sent.headers.get("X-Inference-ID", ""))

    def history(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """All records that match, newest first. Reads page after page.

        `doctor`, `patient`, `since`, `until`; without `patient` also `model`, and `verdict`: `agree` or `correct`.
        """
        path, query = "/ml/v1/history/", filters
        while path:
            page = self._transport.send("GET", path, params=query)
            yield from page.json()
            path, query = page.links.get("next", {}).get("url", ""), {}

    def inference(self, inference_id: str) -> dict[str, Any]:
        """One record."""
        return dict(self._transport.send("GET", f"/ml/v1/history/{inference_id}/").json())

    def feedback(
        self, inference_id: str, verdict: str, label: str | None = None, note: str | None = None
    ) -> dict[str, Any]:
        """A doctor's verdict: `agree`, or `correct` with the right label. The same verdict again adds nothing."""
        given = {"verdict": verdict, "label": label, "note": note}
        body = {name: value for name, value in given.items() if value is not None}
        return dict(self._transport.send("POST", f"/ml/v1/history/{inference_id}/feedback/", json=body).json())

    def export(self, path: str | Path, *, format: str = "ndjson", **filters: Any) -> Path:  # noqa: A002 - the API's word
        """Writes all records that match to a file: `ndjson`, `csv` or `parquet`. It appears when it is complete."""
        target = Path(path)
        part = target.with_name(f".{target.name}.{uuid4().hex}.part")
        query = {"format": format, **filters}
        try:
            sent = self._transport.send("GET", "/ml/v1/history/export/", params=query, stream=True)
            with sent, part.open("wb") as file:
                for chunk in sent.iter_content(CHUNK_BYTES):
                    file.write(chunk)
            part.replace(target)
        except requests.RequestException as exc:
            raise Unreachable(f"The export was cut off: {exc}") from exc
        finally:
            part.unlink(missing_ok=True)
        return target

    def retrain(
        self,
        model: str | None = None,
        params: Mapping[str, Any] | None = None,
        *,
        verdicts: bool | Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> RunningJob:
        """Starts a retrain; `verdicts` trains on doctors' verdicts too. `.wait(print)` follows it to its end."""
        given = {"model": model, "params": params, "verdicts": verdicts}
        body = {name: value for name, value in given.items() if value is not None}
        return self._start(RETRAIN, idempotency_key, json=body)

    def ask(self, database_id: int, question: str, *, summarize: bool = False) -> Answer:
        """A question in plain language: the SQL for it, and its rows. A 422 says what is missing."""
        written = self._transport.send(
            "POST", f"/llm/generate-sql/db/{database_id}", json={"question": question}
        ).json()
        return self.run_sql(database_id, written["session_id"], written["sql"], summarize=summarize)

    def run_sql(self, database_id: int, session_id: str, sql: str, *, summarize: bool = False) -> Answer:
        """Runs a SELECT in a question's session."""
        path = f"/llm/execute-sql/db/{database_id}/{session_id}"
        query = {"summarize": json.dumps(summarize)}
        found = self._transport.send("POST", path, params=query, json={"query": sql}).json()
        return Answer(sql, session_id, found["data"], found["columns"], found["truncated"], found["summary"])

    def redraw_desk(self, image: str | Path, *, path: str = PICTURES, idempotency_key: str | None = None) -> RunningJob:
        """Starts a picture from a desk photo: a URL, or a file. The result has the new picture and products."""
        if isinstance(image, str) and image.startswith(("http://", "https://")):
            return self._start(path, idempotency_key, json={"image_url": image})
        photo = Path(image)
        return self._start(path, idempotency_key, files={"image": (photo.name, photo.read_bytes())})

    def _start(self, path: str, key: str | None, **body: Any) -> RunningJob:
        return RunningJob(self._transport, self._transport.send("POST", path, key=key, **body), path)
