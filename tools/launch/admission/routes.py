"""Which limits apply to a request: the size of its body, and the slots that it takes turns for.

There is one pool for each destination. If the model server hangs, predictions hold the slots of the model server, and
history, the admin and the probes have theirs.
"""

from typing import Any

from common.conf import settings
from tools.launch.admission.slots import Pool

LIVENESS = "/healthz"  # answers without a slot: it needs nothing
BODILESS_BYTES = 64 * 1024  # the largest body of a method that needs none
METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

_MODEL_PATHS = ("predict/", "status/", "model-info/", "retrain/")
_MODELS = "/ml/v1/models/"
_PROBES = ("/readyz", "/metrics")
_MLFLOW = "/ml/v1/mlflow/"
_PICTURES = "/ai/"  # it fetches callers' pictures
_GENERATED = "/ai/generated/"  # some of its callers wait for the end of their job
_LISTENERS = "/ai/jobs/"  # event streams; each takes a slot for each look at its job
_LANGUAGE_MODEL = "/llm/generate-sql/"
_DATABASES = ("/ddp/", "/llm/")  # they wait for databases of others


class Pools:
    """The slots of this process, by destination."""

    def __init__(self, threads: int) -> None:
        model, probes = Pool(threads), Pool(4)
        self._fixed = {f"/ml/v1/{path}": model for path in _MODEL_PATHS} | dict.fromkeys(_PROBES, probes)
        databases = dict.fromkeys(_DATABASES, Pool(max(threads // 4, 2)))
        self._by_prefix = {
            _MODELS: model,
            _MLFLOW: Pool(max(threads // 8, 1)),
            _LANGUAGE_MODEL: Pool(max(threads // 4, 2)),
            **databases,
            _GENERATED: Pool(max(threads // 4, 2)),
            _LISTENERS: Pool(max(threads // 8, 1)),
            _PICTURES: Pool(max(threads // 4, 2)),
        }
        self._others = Pool(max(threads // 2, 2))

    def of(self, path: str) -> Pool:
        """The pool of a path."""
        if pool := self._fixed.get(path):
            return pool
        return next((pool for prefix, pool in self._by_prefix.items() if path.startswith(prefix)), self._others)


def body_limit(environ: dict[str, Any]) -> int:
    """The largest body of this request in bytes."""
    path = environ["PATH_INFO"]
    largest = next(limit for prefix, limit in settings.BODY_LIMITS.items() if path.startswith(prefix))
    return largest if environ["REQUEST_METHOD"] in METHODS_WITH_BODY else min(largest, BODILESS_BYTES)
