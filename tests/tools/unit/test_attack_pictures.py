"""The attack on the reader of pictures: it finds nothing in the reader, and it would find what there is."""

import pytest

from imaging import pictures
from tools import attack_pictures

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of damaged EXIF, which is ignored


def test_the_reader_stands(capsys: pytest.CaptureFixture[str]) -> None:
    assert attack_pictures.main(["--files", "60", "--memory", "4096"]) == 0
    assert capsys.readouterr().out.endswith("no finding\n")


def test_another_error_is_a_finding(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def breaks(_: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr(pictures, "read", breaks)
    assert attack_pictures.main(["--files", "5"]) == 1
    assert "MemoryError, not read: jpeg (seed 1)" in capsys.readouterr().out


def test_too_much_memory_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert attack_pictures.main(["--files", "1", "--memory", "1"]) == 1
    assert "MiB of memory were used" in capsys.readouterr().out
