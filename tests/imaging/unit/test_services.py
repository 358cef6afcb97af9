"""The services that need no key: a sentence from labels and colours, and a style transfer; and how settings choose."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pytest_django import Settings

from imaging import pictures, prompts
from imaging.exceptions import ModelMissing
from imaging.services import KINDS, image_generation, vision2text
from imaging.services.desk_classify import Classification, Label
from imaging.services.image_generation import IMAGE_GENERATION, Draft, StyleTransfer
from imaging.services.interface import Usage
from imaging.services.vision2text import LabelsAndColours, Seen
from tests.imaging.conftest import PHOTOGRAPHS

DESK = Classification(
    True,
    0.7,
    (Label("keyboard", 0.4), Label("space bar", 0.2), Label("mouse", 0.1), Label("monitor", 0.01)),
    (Label("computer keyboard", 0.4), Label("computer mouse", 0.1), Label("tench", 0.01)),
)


def plain(colour: str) -> pictures.Picture:
    return pictures.encoded(Image.new("RGB", (64, 64), colour), "PNG")


class Always:
    """A provider of the test: another one is one class."""

    provider = "test"

    def run(self, given: Any, usage: Usage) -> str:
        usage.model = "always"
        return "made"

    def info(self) -> dict[str, Any]:
        return {"model": "always"}


def test_a_setting_chooses_the_class(settings: Settings) -> None:
    assert isinstance(IMAGE_GENERATION.chosen(), StyleTransfer)
    for kind in KINDS:
        setattr(settings, kind.setting, f"{__name__}.Always")
        assert kind.chosen().info() == {"model": "always"}


def test_the_class_of_the_documentation_is_a_service() -> None:
    page = (Path(__file__).parents[3] / "docs" / "desk-photos.md").read_text()
    names: dict[str, Any] = {"Any": Any, "Classification": Classification, "Picture": pictures.Picture, "Usage": Usage}
    exec(page.partition("```python\n")[2].partition("```")[0], names)  # noqa: S102 - our own page
    usage = Usage()
    assert names["Brightness"]().run(plain("white"), usage).is_desk
    assert not names["Brightness"]().run(plain("black"), usage).is_desk
    assert usage.model == names["Brightness"]().info()["model"]


def test_a_description_is_made_of_labels_and_colours() -> None:
    usage = Usage()
    found = LabelsAndColours().run(Seen(plain("darkblue"), DESK), usage)
    assert "computer keyboard and computer mouse" in found.text
    assert "tench" not in found.text
    assert "blue" in found.text
    assert "dark" in found.text
    assert (found.made_from, usage.model) == ("labels and colours", "labels-and-colours")


def test_keywords_are_those_of_likely_things_once_each() -> None:
    found = LabelsAndColours().run(Seen(plain("white"), DESK), Usage())
    assert found.keywords == ("키보드", "마우스", *vision2text.ALWAYS)


def test_nothing_sure_is_said_to_be_so() -> None:
    nothing = Classification(False, 0.0, (), (Label("tench", 0.01),))
    found = LabelsAndColours().run(Seen(plain("white"), nothing), Usage())
    assert "nothing that the classifier is sure of" in found.text
    assert found.keywords == vision2text.ALWAYS


@pytest.mark.parametrize(("colour", "name"), [("black", "black"), ("white", "white"), ("saddlebrown", "brown")])
def test_colours_have_names(colour: str, name: str) -> None:
    assert vision2text.colours(plain(colour)) == [name]


@pytest.mark.usefixtures("models")
def test_a_style_paints_the_same_scene() -> None:
    picture = pictures.read((PHOTOGRAPHS / "espresso.jpg").read_bytes())
    usage = Usage()
    painted = StyleTransfer().run(Draft(picture, ""), usage)
    assert (painted.width, painted.height) == (picture.width, picture.height)
    assert painted.data != picture.data
    before, after = (np.asarray(each.image.convert("L"), np.float32).ravel() for each in (picture, painted))
    assert np.corrcoef(before, after)[0, 1] > 0.4  # painted over, and still the same picture
    assert usage.model == "multistyle26"


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("size", [(33, 35), (1500, 700), (32, 640)])
def test_any_size_is_painted(size: tuple[int, int]) -> None:
    painted = image_generation.styled(Image.new("RGB", size, "teal"), 0)
    expected = Image.new("RGB", size)
    expected.thumbnail((image_generation.STYLED_SIDE,) * 2)
    assert painted.size == expected.size


@pytest.mark.usefixtures("no_models")
def test_a_missing_style_says_what_to_do() -> None:
    with pytest.raises(ModelMissing, match="make models"):
        StyleTransfer().run(Draft(plain("teal"), ""), Usage())


def test_prompts_have_versions() -> None:
    prompt = prompts.newest("draw")
    assert prompt.version == "draw-1"
    assert "{description}" in prompt.text
    with pytest.raises(LookupError):
        prompts.newest("nothing")


def test_each_kind_has_a_name_of_its_own() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
