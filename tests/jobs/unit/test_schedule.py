"""Settings of the retrain schedule and of leases; invalid values stop the start with a one-line error."""

from pathlib import Path

import pytest

from backend.env import BadSetting
from backend.settings.jobs import read_crontab, require_heartbeats
from tests.support.settings_process import run_with_settings

NAME = "RETRAIN_SCHEDULE"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ""),
        ("  ", ""),
        ("30 2 * * 0", "30 2 * * 0"),
        (" */15  8-18 *  jan-mar mon-fri ", "*/15 8-18 * jan-mar mon-fri"),
        ("0 0 29 2 *", "0 0 29 2 *"),
    ],
)
def test_it_reads_five_fields(text: str, read: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, text)
    assert read_crontab(NAME) == read


@pytest.mark.parametrize(
    "text",
    [
        "daily",
        "@daily",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "0 0 30 2 *",
        "a b c d e",
        "1,,2 * * * *",
        "*/0 * * * *",
    ],
)
def test_it_refuses_an_invalid_schedule_or_one_that_never_occurs(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, text)
    with pytest.raises(BadSetting, match=f"^{NAME} can't be '.*': set it to five crontab fields in UTC"):
        read_crontab(NAME)


def test_a_lease_lasts_at_least_three_heartbeats() -> None:
    require_heartbeats("JOB_LEASE_SECONDS", 3, 1)
    with pytest.raises(BadSetting, match=r"^JOB_LEASE_SECONDS is shorter than three heartbeats, 2\.9 s: set it to"):
        require_heartbeats("JOB_LEASE_SECONDS", 2.9, 1)


@pytest.mark.parametrize(("schedule", "times"), [("15 3 * * *", ["<crontab: 15 3 * * * (m/h/dM/MY/d)>"]), ("", [])])
def test_beat_uses_the_schedule(tmp_path: Path, schedule: str, times: list[str]) -> None:
    code = (
        "from worker.beat import app; s = app.conf.beat_schedule;"
        "print({entry['options']['queue'] for entry in s.values()});"
        "print([str(s[name]['schedule']) for name in s if name == 'retrain'])"
    )
    done = run_with_settings(tmp_path, code, DEBUG="1", RETRAIN_SCHEDULE=schedule)
    assert done.stdout.splitlines() == ["{'upkeep'}", str(times)], done.stderr


def test_a_bad_schedule_stops_the_start_with_one_line(tmp_path: Path) -> None:
    done = run_with_settings(tmp_path, "import worker.beat", DEBUG="1", RETRAIN_SCHEDULE="daily")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("ml-proxy: RETRAIN_SCHEDULE can't be 'daily': set it to five crontab fields")
