"""MLflow's settings: off by default, with the variables that MLflow's own clients use."""

from pathlib import Path

import pytest

from tests.support.settings_process import run_with_settings

SHOWN = "from backend import settings as s; print([s.MLFLOW_TRACKING_URI, s.MLFLOW_AUTHORIZATION])"
URI = "http://mlflow.example:5000"
SECRET = "tell-nobody"


def test_it_is_off_by_default(tmp_path: Path) -> None:
    assert run_with_settings(tmp_path, SHOWN, DEBUG="1").stdout == "['', '']\n"


@pytest.mark.parametrize(
    ("variables", "authorization"),
    [
        ({}, ""),
        ({"MLFLOW_TRACKING_TOKEN": "abc"}, "Bearer abc"),
        ({"MLFLOW_TRACKING_USERNAME": "ml", "MLFLOW_TRACKING_PASSWORD": "p:w"}, "Basic bWw6cDp3"),
    ],
)
def test_it_reads_the_credentials(tmp_path: Path, variables: dict[str, str], authorization: str) -> None:
    output = run_with_settings(tmp_path, SHOWN, DEBUG="1", MLFLOW_TRACKING_URI=f"{URI}/", **variables)
    assert output.stdout == f"['{URI}', '{authorization}']\n"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"MLFLOW_TRACKING_URI": "databricks"}, "MLFLOW_TRACKING_URI can't be 'databricks': set it to a URL such as"),
        ({"MLFLOW_TRACKING_URI": f"http://ml:{SECRET}@a.example"}, "MLFLOW_TRACKING_URI names a user: set MLFLOW_"),
        ({"MLFLOW_TRACKING_USERNAME": "ml"}, "MLFLOW_TRACKING_PASSWORD is not set, and MLFLOW_TRACKING_USERNAME is:"),
        ({"MLFLOW_TRACKING_PASSWORD": SECRET}, "MLFLOW_TRACKING_USERNAME is not set, and MLFLOW_TRACKING_PASSWORD is:"),
        (
            {"MLFLOW_TRACKING_USERNAME": "ml", "MLFLOW_TRACKING_PASSWORD": SECRET, "MLFLOW_TRACKING_TOKEN": SECRET},
            "MLFLOW_TRACKING_TOKEN is set, and so is MLFLOW_TRACKING_USERNAME: set one of the two",
        ),
        ({"MLFLOW_TRACKING_TOKEN": f"{SECRET}\nHost: x"}, "MLFLOW_TRACKING_TOKEN can't be sent:"),
        ({"MLFLOW_TOTAL_SECONDS": "0"}, "MLFLOW_TOTAL_SECONDS can't be '0'"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line(tmp_path: Path, variables: dict[str, str], message: str) -> None:
    done = run_with_settings(tmp_path, DEBUG="1", **variables)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"ml-proxy: {message}")
    assert SECRET not in done.stderr
