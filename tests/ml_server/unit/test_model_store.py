import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from ml_server import model_store as store_module
from ml_server.dataset import Dataset
from ml_server.exceptions import InvalidModel, SaveFailed, UnknownModel, VersionRefused
from ml_server.handlers import handler_factories
from ml_server.model_metadata import build_metadata
from ml_server.model_store import ModelStore
from ml_server.params import Params
from ml_server.recipes.breast_cancer import BreastCancer
from ml_server.train import TrainingResult

Damage = Callable[[Path], object]


class Promote(Protocol):
    """Adds a version and returns its number."""

    def __call__(self, store: ModelStore, *, promote: bool = True) -> str: ...


@pytest.fixture
def promote(dataset: Dataset, trained: TrainingResult) -> Promote:
    def add_version(store: ModelStore, *, promote: bool = True) -> str:
        version = store.next_version()
        metadata = build_metadata(
            BreastCancer(), version, dataset=dataset, params=Params(), result=trained, parent=None
        )
        store.add(trained.onnx, metadata, promote=promote)
        return version

    return add_version


def store_at(folder: Path) -> ModelStore:
    return ModelStore(folder, handler_factories())


def serving(folder: Path) -> str | None:
    model = store_at(folder).serving
    return model.version if model else None


def test_it_serves_the_newest_promoted_version_after_a_restart(tmp_path: Path, promote: Promote) -> None:
    folder = tmp_path / "new" / "folder"
    assert serving(folder) is None
    store = store_at(folder)
    assert [promote(store) for _ in range(3)] == ["1", "2", "3"]
    assert store.get().version == "3"
    assert serving(folder) == "3"


def edit_metadata(home: Path, **members: object) -> None:
    metadata = json.loads((home / "metadata.json").read_bytes())
    (home / "metadata.json").write_text(json.dumps(metadata | members))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda home: (home / "model.onnx").write_bytes(b"garbage"), "the ONNX file differs from onnx_sha256"),
        (lambda home: (home / "model.onnx").unlink(), "model.onnx can't be read"),
        (lambda home: (home / "metadata.json").unlink(), "metadata.json can't be read"),
        (lambda home: (home / "metadata.json").write_bytes(b'{"name":'), "metadata.json is not JSON"),
        (lambda home: (home / "metadata.json").write_bytes(b"[]"), "metadata.json is not an object"),
        (lambda home: edit_metadata(home, version="9"), "metadata.json is not that of version 2"),
        (lambda home: edit_metadata(home, input_schema={"type": 7}), "metadata is invalid"),
        (lambda home: edit_metadata(home, classes=["one"]), "its output is not one finite number for each class"),
        (lambda home: edit_metadata(home, example={}), "metadata is invalid"),
    ],
)
def test_it_refuses_a_damaged_version_with_a_reason_and_serves_the_one_before(
    tmp_path: Path, promote: Promote, caplog: pytest.LogCaptureFixture, damage: Damage, reason: str
) -> None:
    store = store_at(tmp_path)
    promote(store), promote(store)
    damage(tmp_path / "2")
    with caplog.at_level(logging.WARNING):
        assert serving(tmp_path) == "1"
    assert "version 2" in caplog.text
    assert reason in caplog.text
    assert promote(store_at(tmp_path)) == serving(tmp_path) == "3"


def test_it_refuses_a_file_that_onnx_runtime_can_not_load(
    tmp_path: Path, promote: Promote, caplog: pytest.LogCaptureFixture
) -> None:
    promote(store_at(tmp_path))
    (tmp_path / "1" / "model.onnx").write_bytes(b"")
    edit_metadata(tmp_path / "1", onnx_sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    assert serving(tmp_path) is None
    assert "ONNX Runtime can't load it" in caplog.text


@pytest.mark.parametrize("pointer", [None, b"", b"two", b"\xff"])
def test_it_serves_the_newest_version_if_the_pointer_is_lost(
    tmp_path: Path, promote: Promote, pointer: bytes | None
) -> None:
    store = store_at(tmp_path)
    promote(store), promote(store)
    (tmp_path / "current").unlink() if pointer is None else (tmp_path / "current").write_bytes(pointer)
    assert serving(tmp_path) == "2"


def test_it_never_serves_a_version_whose_promotion_was_interrupted(tmp_path: Path, promote: Promote) -> None:
    store = store_at(tmp_path)
    promote(store), promote(store)
    (tmp_path / "current").write_text("1\n")
    assert serving(tmp_path) == "1"
    assert [metadata["version"] for metadata in store_at(tmp_path).all_metadata()] == ["1"]
    assert store_at(tmp_path).next_version() == "3"


def test_it_never_reuses_a_number(tmp_path: Path, promote: Promote) -> None:
    store = store_at(tmp_path)
    promote(store), promote(store)
    shutil.rmtree(tmp_path / "2")
    assert store_at(tmp_path).next_version() == "3"


def test_it_deletes_unfinished_writes(tmp_path: Path, promote: Promote) -> None:
    promote(store_at(tmp_path))
    (tmp_path / ".new-folder").mkdir()
    (tmp_path / ".new-folder" / "model.onnx").write_bytes(b"half")
    (tmp_path / ".new-current").write_bytes(b"")
    assert serving(tmp_path) == "1"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["1", "current"]


def test_it_keeps_the_serving_version_if_the_new_one_can_not_be_saved(tmp_path: Path, promote: Promote) -> None:
    store = store_at(tmp_path)
    promote(store)
    (tmp_path / "2").write_text("in the way")
    store.next_version = lambda: "2"  # type: ignore[method-assign]
    with pytest.raises(SaveFailed):
        promote(store)
    assert store.serving
    assert store.serving.version == serving(tmp_path) == "1"


def test_it_keeps_a_limited_number_of_versions(
    tmp_path: Path, promote: Promote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_VERSIONS", 2)
    store = store_at(tmp_path)
    for _ in range(4):
        promote(store)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["3", "4", "current"]


def test_it_keeps_the_serving_version_however_old_it_is(
    tmp_path: Path, promote: Promote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_VERSIONS", 2)
    store = store_at(tmp_path)
    promote(store)
    for _ in range(3):
        promote(store, promote=False)
    assert store.versions() == ["4", "3", "1"]
    assert serving(tmp_path) == "1"


def test_a_rollback_survives_a_restart(tmp_path: Path, promote: Promote) -> None:
    store = store_at(tmp_path)
    promote(store), promote(store), promote(store)
    assert store.promote("2").version == store.get().version == serving(tmp_path) == "2"
    assert (tmp_path / "current").read_text().splitlines()[0] == "2 3"
    assert [each["version"] for each in store.promotions()] == ["1", "2", "3", "2"]
    again = store_at(tmp_path)
    assert again.next_version() == "4"
    assert [metadata["version"] for metadata in again.all_metadata()] == ["3", "2", "1"]


def test_it_does_not_return_to_a_version_that_was_rolled_back(tmp_path: Path, promote: Promote) -> None:
    store = store_at(tmp_path)
    promote(store), promote(store), promote(store)
    store.promote("2")
    (tmp_path / "2" / "model.onnx").write_bytes(b"garbage")
    assert serving(tmp_path) == "1"


def test_it_refuses_to_promote_a_damaged_version_and_keeps_the_serving_one(tmp_path: Path, promote: Promote) -> None:
    store = store_at(tmp_path)
    promote(store), promote(store)
    (tmp_path / "1" / "model.onnx").write_bytes(b"garbage")
    with pytest.raises(VersionRefused, match="the ONNX file differs from onnx_sha256"):
        store.promote("1")
    assert store.refused == {"1": "the ONNX file differs from onnx_sha256 in its metadata"}
    assert store.get().version == serving(tmp_path) == "2"


def test_it_stores_a_version_that_is_not_promoted_and_promotes_it_on_request(tmp_path: Path, promote: Promote) -> None:
    store = store_at(tmp_path)
    promote(store), promote(store, promote=False)
    assert store.get().version == serving(tmp_path) == "1"
    assert [metadata["version"] for metadata in store_at(tmp_path).all_metadata()] == ["2", "1"]
    (tmp_path / "current").unlink()
    assert serving(tmp_path) == "1"
    store.promote("2")
    assert serving(tmp_path) == "2"


@pytest.mark.parametrize("version", ["3", "0", "01", "²", "٢", "../1", "1/", "", "-1", "current", "\0", "9" * 9999])
def test_it_rejects_an_unknown_version(tmp_path: Path, promote: Promote, version: str) -> None:
    store = store_at(tmp_path)
    promote(store), promote(store)
    for ask in (store.promote, store.get):
        with pytest.raises(UnknownModel, match="use one of 2, 1"):
            ask(version)


def test_it_returns_an_older_version_on_request(tmp_path: Path, promote: Promote) -> None:
    store = store_at(tmp_path)
    promote(store), promote(store)
    assert [store.get(version).version for version in ("1", "2", None)] == ["1", "2", "2"]
    assert store.get("1") is store.get("1")


def test_it_saves_nothing_that_can_not_serve(tmp_path: Path, dataset: Dataset, trained: TrainingResult) -> None:
    metadata = build_metadata(BreastCancer(), "1", dataset=dataset, params=Params(), result=trained, parent=None)
    with pytest.raises(InvalidModel, match="the ONNX file differs from onnx_sha256"):
        store_at(tmp_path).add(b"garbage", metadata)
    assert list(tmp_path.iterdir()) == []
