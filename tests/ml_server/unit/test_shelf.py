import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from ml_server import shelf as shelf_module
from ml_server.card import write_card
from ml_server.courses.biopsies import Biopsies
from ml_server.dataset import DataSet
from ml_server.exceptions import BrokenModel, NotSaved, Refused, UnknownModel
from ml_server.handlers import handlers
from ml_server.params import Params
from ml_server.shelf import Shelf
from ml_server.training import Trained

Harm = Callable[[Path], object]


class Promote(Protocol):
    """Adds a version; returns its number."""

    def __call__(self, shelf: Shelf, *, promote: bool = True) -> str: ...


@pytest.fixture
def promote(data: DataSet, trained: Trained) -> Promote:
    def one_more(shelf: Shelf, *, promote: bool = True) -> str:
        version = shelf.next_version()
        card = write_card(Biopsies(), version, data=data, params=Params(), trained=trained, parent=None)
        shelf.add(trained.onnx, card, promote=promote)
        return version

    return one_more


def shelf_at(folder: Path) -> Shelf:
    return Shelf(folder, handlers())


def serving(folder: Path) -> str | None:
    model = shelf_at(folder).serving
    return model.version if model else None


def test_it_serves_the_newest_promoted_version_after_a_restart(tmp_path: Path, promote: Promote) -> None:
    folder = tmp_path / "new" / "folder"
    assert serving(folder) is None
    shelf = shelf_at(folder)
    assert [promote(shelf) for _ in range(3)] == ["1", "2", "3"]
    assert shelf.model().version == "3"
    assert serving(folder) == "3"


def edit_card(home: Path, **members: object) -> None:
    card = json.loads((home / "metadata.json").read_bytes())
    (home / "metadata.json").write_text(json.dumps(card | members))


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda home: (home / "model.onnx").write_bytes(b"garbage"), "not the one that was saved"),
        (lambda home: (home / "model.onnx").unlink(), "model.onnx can't be read"),
        (lambda home: (home / "metadata.json").unlink(), "metadata.json can't be read"),
        (lambda home: (home / "metadata.json").write_bytes(b'{"name":'), "metadata.json is not JSON"),
        (lambda home: (home / "metadata.json").write_bytes(b"[]"), "metadata.json is not an object"),
        (lambda home: edit_card(home, version="9"), "not that of version 2"),
        (lambda home: edit_card(home, input_schema={"type": 7}), "metadata can't be used"),
        (lambda home: edit_card(home, classes=["one"]), "does not give a number for each class"),
        (lambda home: edit_card(home, example={}), "metadata can't be used"),
    ],
)
def test_it_refuses_a_damaged_version_says_why_and_serves_the_one_before(
    tmp_path: Path, promote: Promote, caplog: pytest.LogCaptureFixture, harm: Harm, reason: str
) -> None:
    shelf = shelf_at(tmp_path)
    promote(shelf), promote(shelf)
    harm(tmp_path / "2")
    with caplog.at_level(logging.WARNING):
        assert serving(tmp_path) == "1"
    assert "version 2" in caplog.text
    assert reason in caplog.text
    assert promote(shelf_at(tmp_path)) == serving(tmp_path) == "3"


def test_it_refuses_a_network_that_onnx_runtime_refuses_even_with_the_right_digest(
    tmp_path: Path, promote: Promote, caplog: pytest.LogCaptureFixture
) -> None:
    promote(shelf_at(tmp_path))
    (tmp_path / "1" / "model.onnx").write_bytes(b"")
    edit_card(tmp_path / "1", onnx_sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    assert serving(tmp_path) is None
    assert "ONNX Runtime refuses it" in caplog.text


@pytest.mark.parametrize("pointer", [None, b"", b"two", b"\xff"])
def test_it_serves_the_newest_version_where_the_pointer_is_lost(
    tmp_path: Path, promote: Promote, pointer: bytes | None
) -> None:
    shelf = shelf_at(tmp_path)
    promote(shelf), promote(shelf)
    (tmp_path / "current").unlink() if pointer is None else (tmp_path / "current").write_bytes(pointer)
    assert serving(tmp_path) == "2"


def test_it_never_serves_what_was_saved_but_not_promoted(tmp_path: Path, promote: Promote) -> None:
    shelf = shelf_at(tmp_path)
    promote(shelf), promote(shelf)
    (tmp_path / "current").write_text("1\n")
    assert serving(tmp_path) == "1"
    assert [card["version"] for card in shelf_at(tmp_path).cards()] == ["1"]
    assert shelf_at(tmp_path).next_version() == "3"


def test_it_never_gives_a_number_twice(tmp_path: Path, promote: Promote) -> None:
    shelf = shelf_at(tmp_path)
    promote(shelf), promote(shelf)
    shutil.rmtree(tmp_path / "2")
    assert shelf_at(tmp_path).next_version() == "3"


def test_it_sweeps_away_what_was_never_finished(tmp_path: Path, promote: Promote) -> None:
    promote(shelf_at(tmp_path))
    (tmp_path / ".new-folder").mkdir()
    (tmp_path / ".new-folder" / "model.onnx").write_bytes(b"half")
    (tmp_path / ".new-current").write_bytes(b"")
    assert serving(tmp_path) == "1"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["1", "current"]


def test_it_keeps_the_old_version_in_service_when_the_disk_does_not_take_the_new(
    tmp_path: Path, promote: Promote
) -> None:
    shelf = shelf_at(tmp_path)
    promote(shelf)
    (tmp_path / "2").write_text("in the way")
    shelf.next_version = lambda: "2"  # type: ignore[method-assign]
    with pytest.raises(NotSaved):
        promote(shelf)
    assert shelf.serving
    assert shelf.serving.version == serving(tmp_path) == "1"


def test_it_keeps_only_so_many_versions(tmp_path: Path, promote: Promote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_module, "KEPT_VERSIONS", 2)
    shelf = shelf_at(tmp_path)
    for _ in range(4):
        promote(shelf)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["3", "4", "current"]


def test_it_keeps_only_so_many_and_the_one_in_service(
    tmp_path: Path, promote: Promote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf_module, "KEPT_VERSIONS", 2)
    shelf = shelf_at(tmp_path)
    promote(shelf)
    for _ in range(3):
        promote(shelf, promote=False)
    assert shelf.versions() == ["4", "3", "1"]
    assert serving(tmp_path) == "1"


def test_it_rolls_back_to_an_older_version_also_after_a_restart(tmp_path: Path, promote: Promote) -> None:
    shelf = shelf_at(tmp_path)
    promote(shelf), promote(shelf), promote(shelf)
    assert shelf.promote("2").version == shelf.model().version == serving(tmp_path) == "2"
    assert (tmp_path / "current").read_text() == "2 3\n"
    again = shelf_at(tmp_path)
    assert again.next_version() == "4"
    assert [card["version"] for card in again.cards()] == ["3", "2", "1"]


def test_it_does_not_return_to_what_was_rolled_back(tmp_path: Path, promote: Promote) -> None:
    shelf = shelf_at(tmp_path)
    promote(shelf), promote(shelf), promote(shelf)
    shelf.promote("2")
    (tmp_path / "2" / "model.onnx").write_bytes(b"garbage")
    assert serving(tmp_path) == "1"


def test_it_refuses_to_promote_a_damaged_version_and_goes_on_with_the_old(tmp_path: Path, promote: Promote) -> None:
    shelf = shelf_at(tmp_path)
    promote(shelf), promote(shelf)
    (tmp_path / "1" / "model.onnx").write_bytes(b"garbage")
    with pytest.raises(Refused, match="not the one that was saved"):
        shelf.promote("1")
    assert shelf.refused == {"1": "the ONNX file is not the one that was saved"}
    assert shelf.model().version == serving(tmp_path) == "2"


def test_it_keeps_what_is_not_promoted_and_promotes_it_when_told(tmp_path: Path, promote: Promote) -> None:
    shelf = shelf_at(tmp_path)
    promote(shelf), promote(shelf, promote=False)
    assert shelf.model().version == serving(tmp_path) == "1"
    assert [card["version"] for card in shelf_at(tmp_path).cards()] == ["2", "1"]
    (tmp_path / "current").unlink()
    assert serving(tmp_path) == "1"
    shelf.promote("2")
    assert serving(tmp_path) == "2"


@pytest.mark.parametrize("version", ["3", "0", "01", "²", "٢", "../1", "1/", "", "-1", "current", "\0", "9" * 9999])
def test_it_knows_no_version_but_its_own(tmp_path: Path, promote: Promote, version: str) -> None:
    shelf = shelf_at(tmp_path)
    promote(shelf), promote(shelf)
    for ask in (shelf.promote, shelf.model):
        with pytest.raises(UnknownModel, match="known: 2, 1"):
            ask(version)


def test_it_answers_with_an_older_version_while_another_serves(tmp_path: Path, promote: Promote) -> None:
    shelf = shelf_at(tmp_path)
    promote(shelf), promote(shelf)
    assert [shelf.model(version).version for version in ("1", "2", None)] == ["1", "2", "2"]
    assert shelf.model("1") is shelf.model("1")


def test_it_saves_nothing_that_cannot_be_served(tmp_path: Path, data: DataSet, trained: Trained) -> None:
    card = write_card(Biopsies(), "1", data=data, params=Params(), trained=trained, parent=None)
    with pytest.raises(BrokenModel, match="not the one that was saved"):
        shelf_at(tmp_path).add(b"garbage", card)
    assert list(tmp_path.iterdir()) == []
