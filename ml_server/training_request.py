"""A request to train a model, and how a repeated request is recognised."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from ml_server.exceptions import IdempotencyKeyReused
from ml_server.params import Params
from ml_server.recipes import DEFAULT_MODEL


@dataclass(frozen=True)
class TrainingRequest:
    """The model to train, the parameters, the unparsed examples, and who asked, as the gateway knows them.

    `key` and `body` are digests of the idempotency key and the body, so that neither is stored in clear.
    """

    model: str
    params: Params
    key: str | None
    body: str
    examples: Sequence[Any] = field(default=(), repr=False)
    requested_by: str | None = field(default=None, compare=False)

    @classmethod
    def from_body(
        cls, body: Mapping[str, Any], idempotency_key: str | None = None, requested_by: str | None = None
    ) -> Self:
        """Parses a body that matches `RETRAIN_SCHEMA`. Two bodies are equal if they are the same JSON value."""
        return cls(
            model=body.get("model", DEFAULT_MODEL),
            params=Params.from_json(body.get("params", {})),
            key=_digest(idempotency_key) if idempotency_key else None,
            body=_digest(json.dumps(body, sort_keys=True)),
            examples=body.get("examples", ()),
            requested_by=requested_by,
        )

    def to_stored(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Returns what the new version's metadata stores, so that the key is known exactly as long as the version."""
        return {"key_sha256": self.key, "body_sha256": self.body, "answer": result}

    def result_in(self, stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Returns the stored result if it belongs to the same key.

        Raises:
            IdempotencyKeyReused: the key is the same, but the body is another.
        """
        if self.key is None or not stored or stored["key_sha256"] != self.key:
            return None
        if stored["body_sha256"] != self.body:
            raise IdempotencyKeyReused("this Idempotency-Key was used with another body: send a new key")
        result: dict[str, Any] = stored["answer"]
        return result


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
