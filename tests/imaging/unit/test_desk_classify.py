"""The classifier knows what is in photographs whose contents are known, and adds up the classes of a desk."""

import statistics
import time
from pathlib import Path

import numpy as np
import pytest
import sklearn

from imaging import pictures
from imaging.services import desk_classify
from imaging.services.desk_classify import DESK_CLASSES, ImageNet
from imaging.services.interface import Usage
from tests.imaging.conftest import PHOTOGRAPHS
from tests.support import malformed_pictures

pytestmark = pytest.mark.usefixtures("models")

OF_SCIKIT_LEARN = Path(sklearn.__file__).parent / "datasets" / "images"
KNOWN = {
    PHOTOGRAPHS / "cat.jpg": {"Egyptian Mau", "tabby cat", "a cat having a striped coat"},
    PHOTOGRAPHS / "espresso.jpg": {"espresso"},
    PHOTOGRAPHS / "tripod.jpg": {"tripod"},
    OF_SCIKIT_LEARN / "china.jpg": {"palace"},
    OF_SCIKIT_LEARN / "flower.jpg": {"daisy"},
}


@pytest.mark.parametrize("path", KNOWN, ids=lambda path: path.stem)
def test_the_surest_class_is_right(path: Path) -> None:
    usage = Usage()
    found = ImageNet().run(pictures.read(path.read_bytes()), usage)
    assert found.top[0].name in KNOWN[path]
    assert not found.is_desk
    assert found.desk_probability < 0.1
    assert (usage.model, usage.answer) == ("efficientnet-lite0", found.described())


def test_the_classes_have_the_names_of_things_on_a_desk() -> None:
    names = desk_classify._names()
    assert len(names) == 1000
    assert [names[number] for number in DESK_CLASSES.values()] == [
        "desk",
        "desktop computer",
        "computer keyboard",
        "laptop computer",
        "monitor",
        "computer mouse",
        "notebook computer",
        "CRT monitor",
        "keyboard space bar",
    ]


def test_what_stands_on_a_desk_adds_up() -> None:
    found = np.full(1000, 0.0001, np.float32)
    found[[526, 664, 508]] = 0.125, 0.25, 0.125
    sure = desk_classify.classified(found, 0.5)
    assert sure.is_desk
    assert sure.desk_probability == pytest.approx(0.5006)
    assert [label.name for label in sure.desk_labels[:3]] == ["monitor", "desk", "keyboard"]
    assert not desk_classify.classified(found, 0.51).is_desk


def test_probabilities_add_up_to_one() -> None:
    read = pictures.read(malformed_pictures.saved(malformed_pictures.picture(size=(640, 40)), "PNG"))
    assert float(desk_classify.probabilities(read).sum()) == pytest.approx(1, abs=1e-4)


def test_it_takes_40_ms_on_one_core() -> None:
    picture = pictures.read((PHOTOGRAPHS / "espresso.jpg").read_bytes())
    desk_classify.probabilities(picture)
    times = []
    for _ in range(15):
        started = time.thread_time()  # processor time of this thread, which runs the whole model
        desk_classify.probabilities(picture)
        times.append(time.thread_time() - started)
    assert statistics.median(times) < 0.04
