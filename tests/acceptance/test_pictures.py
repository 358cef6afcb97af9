"""An image: uploaded through the gateway to the reference model server, recorded, and downloaded by its link."""

from collections.abc import Callable

import pytest
import requests

from tests.support.system import ROOT, System
from tests.support.wait import until

pytestmark = pytest.mark.any_database
DIGIT = (ROOT / "docs" / "examples" / "digit.png").read_bytes()
NAMES = {"doctor_name": "Dr. Yoon (synthetic)", "patient_name": "김민준 (synthetic)"}


def test_it_answers_and_keeps_a_picture_that_is_uploaded(make_system: Callable[..., System]) -> None:
    system = make_system()
    system.start("redis", "ml_server", "web", "publisher", "worker-logs")
    until(lambda: requests.get(f"{system.url}/ml/v1/status/", timeout=5).ok, what="the model server")
    answer = requests.post(
        f"{system.url}/ml/v1/predict/",
        data={**NAMES, "model": "handwritten-digits"},
        files={"image": ("digit.png", DIGIT, "image/png")},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    path = f"{system.url}/ml/v1/history/{answer.headers['X-Inference-ID']}/"
    until(lambda: requests.get(path, timeout=5).ok, what="the row")
    row = requests.get(path, timeout=60).json()
    assert row["output_data"] == answer.json()
    assert row["output_data"]["predictions"][0]["label"] in set("0123456789")
    assert row["input_data"].keys() == {*NAMES, "model", "image"}
    [file] = row["files"]
    download = requests.get(system.url + file["url"], timeout=60)
    assert (download.content, download.headers["Content-Type"]) == (DIGIT, "image/png")
    assert "all in place and unchanged" in system.manage("verify_log", "--files")
