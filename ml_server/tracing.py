"""Continues the caller's trace if a trace exporter is configured. Otherwise OpenTelemetry is not even imported.

The variables are OpenTelemetry's: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import os
from collections.abc import Mapping

from flask import Flask

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
OFF = {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "none"}


def is_configured(variables: Mapping[str, str]) -> bool:
    """Whether the variables name an endpoint for traces and do not disable tracing."""
    values = {name: variables.get(name, "").strip().lower() for name in (*ENDPOINTS, *OFF)}
    return any(values[name] for name in ENDPOINTS) and not any(values[name] == off for name, off in OFF.items())


IS_ON = is_configured(os.environ)

if IS_ON:
    from ml_server import spans


def trace_requests(app: Flask) -> None:
    """Records a span for each request to `app` that belongs to a trace. Does nothing if tracing is off."""
    if IS_ON:
        spans.trace_requests(app)
