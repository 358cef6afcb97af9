"""Wrong settings, and wrong combinations of settings, stop the process with one line."""

import json
import re
from pathlib import Path

import pytest

from tests.support.settings_process import SERVER, run_with_settings


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"TRUST_PROXY": "yes"}, "TRUST_PROXY can't be 'yes': set it to 0 or 1"),
        ({"DATABASE_URL": "mysql://a.example/b"}, "DATABASE_URL can't be used: set it to postgresql://"),
        ({"DATABASE_URL": "mysql://u:s3c#ret@h/b"}, "DATABASE_URL can't be used: set it to postgresql://"),
        ({"DATABASE_URL": "postgresql://u:s3c#ret@h:port/b"}, "DATABASE_URL names no host and port: write host:5432,"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is not set: name the hosts"),
        ({"API_AUTH": "open"}, "API_AUTH can't be 'open' outside DEBUG: set API_AUTH=required, or DEBUG=1"),
        ({"DEBUG": "1", "API_AUTH": "open", "BIND_HOST": "0.0.0.0"}, "API_AUTH can't be 'open' on 0.0.0.0: set"),  # noqa: S104
        ({"JOB_LEASE_SECONDS": "2"}, "JOB_LEASE_SECONDS is shorter than three heartbeats, 2 s: set it to"),
        (
            {"RETENTION_DAYS": "accounts.access=729"},
            "RETENTION_DAYS can't hold accounts.access=729: set it to accounts.",
        ),
        ({"RETENTION_DAYS": "730"}, "RETENTION_DAYS can't hold '730': set it to entries such as"),
        ({"RETENTION_DAYS": "a.b=1,a.b=2"}, "RETENTION_DAYS can't hold 'a.b=2': set it to entries such as"),
        ({"RETENTION_DAYS": "a.b=0"}, "RETENTION_DAYS can't hold 'a.b=0': set it to entries such as"),
        ({"REDIS_URL": "redis://:s3c#ret@"}, "REDIS_URL names no host: write host:port, with an IPv6 address in"),
        ({"REDIS_URL": "redis://u:s3c#ret@h?s3c=ret"}, "REDIS_URL has an unknown option; the options are db, "),
        ({"REDIS_URL": "rediss://h?ssl_ca_certs=/no"}, "REDIS_URL has an option ssl_ca_certs that is not a file that"),
        ({"CELERY_BROKER_URL": "redis://h"}, "CELERY_BROKER_URL is set, and Celery would use it instead of REDIS_URL"),
        ({"ML_SERVER_URL": "http://u:s3c#ret@"}, "ML_SERVER_URL can't be that URL, which is not shown because it may"),
        ({"ML_SERVER_URL": "http://m?key=s3cret"}, "ML_SERVER_URL can't be that URL, which is not shown because it"),
        ({"OIDC_ISSUER": "https://u:s3cret@h"}, "OIDC_ISSUER names a user, which would not be sent: remove the user"),
        ({"ALLOWED_HOSTS": "https://clinic.example"}, "ALLOWED_HOSTS can't hold 'https://clinic.example': list host"),
        (
            {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
            "LC_ALL can't be 'C', which means the encoding ascii: set it to a locale in UTF-8 such as C.UTF-8, or set",
        ),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT can't be 'xml': set it to line or json"),
    ],
)
def test_a_wrong_setting_stops_the_process_with_one_line(tmp_path: Path, variables: dict[str, str], line: str) -> None:
    result = run_with_settings(tmp_path, **SERVER | variables)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(f"ml-proxy: {line}")
    assert not re.search("s3c|ret@", result.stderr)


SHOWN = "import json; from backend import settings; print(json.dumps(getattr(settings, {name!r}), default=str))"


@pytest.mark.parametrize(
    ("variables", "name", "value"),
    [
        ({"REDIS_PORT": "tcp://10.0.0.1:6379", "REDIS_URL": "redis://redis"}, "REDIS_URL", "redis://redis"),
        ({"GATEWAY_PORT": "tcp://10.0.0.1:80", "FLOWER_PORT": "udp://10.0.0.1:1"}, "GATEWAY_PORT", 8000),
        ({"ML_SERVER_PORT": "tcp://[fd00::1]:9"}, "ML_SERVER_URL", "http://127.0.0.1:9000"),
        ({"ML_SERVER_URL": "http://u:p#w@m:9/x/"}, "ML_SERVER_URL", "http://u:p%23w@m:9/x"),
        ({"ALLOWED_HOSTS": "A.example:8443"}, "ALLOWED_HOSTS", ["a.example"]),
    ],
)  # fmt: skip
def test_what_can_work_starts(tmp_path: Path, variables: dict[str, str], name: str, value: object) -> None:
    result = run_with_settings(tmp_path, SHOWN.format(name=name), **SERVER | variables)
    assert json.loads(result.stdout or "null") == value, result.stderr


def test_it_reads_the_settings_of_a_server_with_every_service_link_of_kubernetes(tmp_path: Path) -> None:
    """Row 19 of the field's cases."""
    links = {f"{name}_PORT": "tcp://10.0.0.1:6379" for name in ("REDIS", "GATEWAY", "ML_SERVER", "FLOWER")}
    code = "import django; django.setup(); from tools.launch import addresses, flower; print(addresses.listeners()); "
    code += "assert 'FLOWER_PORT' not in flower.environment()"
    variables = SERVER | links | {"DJANGO_SETTINGS_MODULE": "backend.settings"}
    result = run_with_settings(tmp_path, code, **variables)
    assert "('REDIS_PORT', '127.0.0.1', 6379)" in result.stdout, result.stderr
