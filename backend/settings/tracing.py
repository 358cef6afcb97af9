"""Traces. OpenTelemetry reads these variables itself; this module only checks them at start."""

from backend import env

for _name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
    env.url_or_none(_name, "http://127.0.0.1:4318", schemes=("http", "https"), may_name_user=True)
env.choice("OTEL_EXPORTER_OTLP_PROTOCOL", ("http/protobuf",), default="http/protobuf")
