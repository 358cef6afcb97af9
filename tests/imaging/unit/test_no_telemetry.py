"""ONNX Runtime reports nothing to its maker: where it would, it keeps an id and a queue of reports in files."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.system import ROOT


@pytest.mark.parametrize("package", ["imaging", "ml_server"])
def test_the_packages_that_load_onnx_runtime_switch_its_reports_off(package: str, tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    code = f"import {package}, onnxruntime"
    subprocess.run([sys.executable, "-B", "-c", code], cwd=ROOT, env=environment, check=True, timeout=60)
    assert list(tmp_path.rglob("*")) == []
