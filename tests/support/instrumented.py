"""`python -m tests.support.instrumented NAME`: a gateway with third-party instrumentation.

It is a process of its own, because instrumentation cannot be removed from Django. It prints the result as JSON.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler

from tests.support.wsgi import ask

PREDICT = "/ml/v1/predict/"
BODY = b'{"doctor_name": "Dr. Kim", "patient_name": "Lee"}'
READ = ["/ml/v1/status/", "/ml/v1/history/", "/ml/v1/retrain/jobs/"]


def opentelemetry() -> Any:
    """The spans of some requests, with their attributes."""
    from opentelemetry.instrumentation.django import DjangoInstrumentor  # noqa: PLC0415 - one library for one process
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    DjangoInstrumentor().instrument(tracer_provider=provider)
    gateway = _gateway()
    for body in (BODY, b"{"):
        ask(gateway, "POST", PREDICT, body)
    ask(gateway, "GET", READ[0])
    return [[span.name, dict(span.attributes or {})] for span in exporter.get_finished_spans()]


def sentry() -> Any:
    """Sentry's transactions and events, of a prediction and of one whose view raises."""
    import sentry_sdk  # noqa: PLC0415
    from sentry_sdk.envelope import Envelope  # noqa: PLC0415
    from sentry_sdk.integrations.django import DjangoIntegration  # noqa: PLC0415
    from sentry_sdk.transport import Transport  # noqa: PLC0415

    sent: list[Any] = []

    class RecordingTransport(Transport):
        def capture_envelope(self, envelope: Envelope) -> None:
            sent.extend(item.payload.json for item in envelope.items if item.type in {"event", "transaction"})

    sentry_sdk.init(
        dsn="http://key@127.0.0.1:9/1",  # nothing is sent to it
        transport=RecordingTransport,
        traces_sample_rate=1.0,
        integrations=[DjangoIntegration()],
        auto_enabling_integrations=False,
    )
    gateway = _gateway()
    ask(gateway, "POST", PREDICT, BODY)
    _break()
    ask(gateway, "POST", PREDICT, BODY)
    sentry_sdk.flush()
    return [
        {
            "kind": one.get("type", "event"),
            "transaction": one["transaction"],
            "status": one.get("contexts", {}).get("response", {}).get("status_code"),
            "exceptions": [value["type"] for value in one.get("exception", {}).get("values", ())],
        }
        for one in sent
    ]


def token() -> Any:
    """Statuses by path, with the right token, a wrong one and none; needs `token_settings`."""
    gateway = _gateway()
    statuses = {}
    for method, path, body in (("POST", PREDICT, BODY), *(("GET", path, b"") for path in READ)):
        fields: list[dict[str, str]] = [{"HTTP_AUTHORIZATION": f"Bearer {word}"} for word in ("right", "wrong")]
        statuses[path] = [ask(gateway, method, path, body, **given).status[:3] for given in (*fields, {})]
    return statuses


def _gateway() -> Callable[..., Any]:
    django.setup(set_prefix=False)
    return WSGIHandler()


def _break() -> None:
    from ml_proxy.views import predict  # noqa: PLC0415 - views load once Django is set up

    def fail(_: Any) -> None:
        raise KeyError("on purpose")

    vars(predict)["predict"] = fail


if __name__ == "__main__":
    result = {"opentelemetry": opentelemetry, "sentry": sentry, "token": token}[sys.argv[1]]()
    print(json.dumps(result))
