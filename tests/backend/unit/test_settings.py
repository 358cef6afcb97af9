"""Wrong settings, and wrong combinations of settings, stop the process with one line."""

from pathlib import Path

import pytest

from tests.support.settings_process import SERVER, run_with_settings


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"TRUST_PROXY": "yes"}, "TRUST_PROXY can't be 'yes': set it to 0 or 1"),
        ({"DATABASE_URL": "mysql://a.example/b"}, "DATABASE_URL can't be used: set it to postgresql://"),
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
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT can't be 'xml': set it to line or json"),
    ],
)
def test_a_wrong_setting_stops_the_process_with_one_line(tmp_path: Path, variables: dict[str, str], line: str) -> None:
    result = run_with_settings(tmp_path, **SERVER | variables)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(f"ml-proxy: {line}")
