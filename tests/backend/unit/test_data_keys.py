"""DATA_KEYS at start."""

from base64 import b64encode, urlsafe_b64encode
from pathlib import Path

import pytest

from tests.support.settings_process import SERVER, run_with_settings

KEY, OTHER = bytes(range(224, 256)), bytes(range(32))
SHOW = "from backend import settings; print(list(map(bytes.hex, settings.DATA_KEYS)))"


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        ("", []),
        (b64encode(KEY).decode(), [KEY.hex()]),
        (f"{urlsafe_b64encode(KEY).decode().rstrip('=')}, {b64encode(OTHER).decode()}", [KEY.hex(), OTHER.hex()]),
    ],
)
def test_it_reads_keys(tmp_path: Path, given: str, keys: list[str]) -> None:
    done = run_with_settings(tmp_path, SHOW, **SERVER, DATA_KEYS=given)
    assert (done.stdout.strip(), done.stderr) == (str(keys), "")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("short", "key 1 is not 32 bytes in base64"),
        (f"{b64encode(KEY).decode()},{b64encode(KEY[:31]).decode()}", "key 2 is not 32 bytes in base64"),
        ("김" * 43, "key 1 is not 32 bytes in base64"),
        (f"{b64encode(KEY).decode()},{b64encode(KEY).decode()}", "has the same key twice"),
    ],
)
def test_a_bad_key_stops_the_start_with_one_line_that_quotes_none(tmp_path: Path, given: str, problem: str) -> None:
    done = run_with_settings(tmp_path, **SERVER, DATA_KEYS=given)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("ml-proxy: DATA_KEYS ")
    assert problem in line
    assert b64encode(KEY).decode()[:20] not in line
