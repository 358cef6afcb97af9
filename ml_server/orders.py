"""A request to retrain, and how it is recognised when it comes again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml_server.courses import DEFAULT
from ml_server.exceptions import KeyReused
from ml_server.params import Params


@dataclass(frozen=True)
class Order:
    """What to train, and on which examples, as they came.

    `key` and `body` are digests: the folder of models need not know a caller's own words.
    """

    model: str
    params: Params
    key: str | None
    body: str
    examples: Sequence[Any] = field(default=(), repr=False)

    def note(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """What the version that came of it keeps, so that the key is remembered exactly when the version is."""
        return {"key_sha256": self.key, "body_sha256": self.body, "answer": answer}

    def answer_in(self, note: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """The answer that `note` keeps, if the note is of the same key.

        Raises:
            KeyReused: the same key, another body.
        """
        if self.key is None or not note or note["key_sha256"] != self.key:
            return None
        if note["body_sha256"] != self.body:
            raise KeyReused("this Idempotency-Key belongs to a request with another body")
        answer: dict[str, Any] = note["answer"]
        return answer


def place_order(body: Mapping[str, Any], key: str | None = None) -> Order:
    """From a body that `RETRAIN_SCHEMA` accepts. Two bodies are the same when they are the same JSON value."""
    return Order(
        model=body.get("model", DEFAULT),
        params=Params.of(body.get("params", {})),
        key=_digest(key) if key else None,
        body=_digest(json.dumps(body, sort_keys=True)),
        examples=body.get("examples", ()),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
