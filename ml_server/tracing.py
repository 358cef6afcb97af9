"""Continues the caller's trace, where the environment says whereto; where not, OpenTelemetry is not even loaded.

The variables are OpenTelemetry's: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import os
from collections.abc import Mapping

from flask import Flask

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
OFF = {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "none"}


def is_configured(variables: Mapping[str, str]) -> bool:
    """Whether they name where traces go, and do not switch that off."""
    said = {name: variables.get(name, "").strip().lower() for name in (*ENDPOINTS, *OFF)}
    return any(said[name] for name in ENDPOINTS) and not any(said[name] == off for name, off in OFF.items())


IS_ON = is_configured(os.environ)

if IS_ON:
    from ml_server import spans


def trace_requests(app: Flask) -> None:
    """Gives each request that comes to `app` from within a trace a span."""
    if IS_ON:
        spans.trace_requests(app)
