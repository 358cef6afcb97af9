import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_server import shelf as shelf_module
from ml_server.card import write_card
from ml_server.dataset import DataSet
from ml_server.exceptions import NotSaved
from ml_server.model import Model
from ml_server.params import Params
from ml_server.shelf import Shelf
from ml_server.training import Trained

Promote = Callable[[Shelf], Model]
Harm = Callable[[Path], object]


@pytest.fixture
def promote(data: DataSet, trained: Trained) -> Promote:
    def one_more(shelf: Shelf) -> Model:
        version = shelf.next_version()
        card = write_card("a-model", version, data=data, params=Params(), trained=trained, parent=None)
        return shelf.promote(trained.onnx, card)

    return one_more


def serving(folder: Path) -> str | None:
    model = Shelf(folder).serving
    return model.version if model else None


def test_it_serves_the_newest_promoted_version_after_a_restart(tmp_path: Path, promote: Promote) -> None:
    folder = tmp_path / "new" / "folder"
    assert serving(folder) is None
    shelf = Shelf(folder)
    models = [promote(shelf) for _ in range(3)]
    assert [model.version for model in models] == ["1", "2", "3"]
    assert shelf.serving is models[2]
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
        (lambda home: edit_card(home, version="9"), "that of version 9"),
        (lambda home: edit_card(home, input_schema={"type": 7}), "metadata can't be used"),
        (lambda home: edit_card(home, classes=["one"]), "metadata can't be used"),
        (lambda home: edit_card(home, example={}), "metadata can't be used"),
    ],
)
def test_it_refuses_a_damaged_version_says_why_and_serves_the_one_before(
    tmp_path: Path, promote: Promote, caplog: pytest.LogCaptureFixture, harm: Harm, reason: str
) -> None:
    shelf = Shelf(tmp_path)
    promote(shelf), promote(shelf)
    harm(tmp_path / "2")
    with caplog.at_level(logging.WARNING):
        assert serving(tmp_path) == "1"
    assert "version 2" in caplog.text
    assert reason in caplog.text
    assert promote(Shelf(tmp_path)).version == serving(tmp_path) == "3"


def test_it_refuses_a_network_that_onnx_runtime_refuses_even_with_the_right_digest(
    tmp_path: Path, promote: Promote, caplog: pytest.LogCaptureFixture
) -> None:
    promote(Shelf(tmp_path))
    (tmp_path / "1" / "model.onnx").write_bytes(b"")
    edit_card(tmp_path / "1", onnx_sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    assert serving(tmp_path) is None
    assert "ONNX Runtime refuses it" in caplog.text


@pytest.mark.parametrize("pointer", [None, b"", b"two", b"\xff"])
def test_it_serves_the_newest_version_where_the_pointer_is_lost(
    tmp_path: Path, promote: Promote, pointer: bytes | None
) -> None:
    shelf = Shelf(tmp_path)
    promote(shelf), promote(shelf)
    (tmp_path / "current").unlink() if pointer is None else (tmp_path / "current").write_bytes(pointer)
    assert serving(tmp_path) == "2"


def test_it_never_serves_what_was_saved_but_not_promoted(tmp_path: Path, promote: Promote) -> None:
    shelf = Shelf(tmp_path)
    promote(shelf), promote(shelf)
    (tmp_path / "current").write_text("1\n")
    assert serving(tmp_path) == "1"
    assert [card["version"] for card in Shelf(tmp_path).cards()] == ["1"]
    assert Shelf(tmp_path).next_version() == "3"


def test_it_never_gives_a_number_twice(tmp_path: Path, promote: Promote) -> None:
    shelf = Shelf(tmp_path)
    promote(shelf), promote(shelf)
    shutil.rmtree(tmp_path / "2")
    assert Shelf(tmp_path).next_version() == "3"


def test_it_sweeps_away_what_was_never_finished(tmp_path: Path, promote: Promote) -> None:
    promote(Shelf(tmp_path))
    (tmp_path / ".new-folder").mkdir()
    (tmp_path / ".new-folder" / "model.onnx").write_bytes(b"half")
    (tmp_path / ".new-current").write_bytes(b"")
    assert serving(tmp_path) == "1"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["1", "current"]


def test_it_keeps_the_old_version_in_service_when_the_disk_does_not_take_the_new(
    tmp_path: Path, promote: Promote
) -> None:
    shelf = Shelf(tmp_path)
    promote(shelf)
    (tmp_path / "2").write_text("in the way")
    shelf.next_version = lambda: "2"  # type: ignore[method-assign]
    with pytest.raises(NotSaved):
        promote(shelf)
    assert shelf.serving
    assert shelf.serving.version == serving(tmp_path) == "1"


def test_it_keeps_only_so_many_versions(tmp_path: Path, promote: Promote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_module, "KEPT_VERSIONS", 2)
    shelf = Shelf(tmp_path)
    for _ in range(4):
        promote(shelf)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["3", "4", "current"]
