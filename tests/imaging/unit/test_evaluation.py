"""The labelled set of the desk classifier: composed the same each time, measured on scenes that did not choose."""

from io import BytesIO, StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from pytest_django import Settings

from imaging import pictures
from imaging.evaluation.measures import Share, best_threshold, measure
from imaging.evaluation.scenes import desk_scene, labelled_set
from imaging.services import desk_classify
from tests.support.system import ROOT

EXAMPLES = ROOT / "docs" / "examples"


def test_a_seed_gives_the_same_scenes() -> None:
    first, again, other = (list(labelled_set(seed, 4)) for seed in (1, 1, 2))
    assert first == again
    assert [scene.is_desk for scene in first] == [True, False, True, False]
    assert [scene.jpeg for scene in first] != [scene.jpeg for scene in other]


def test_the_scene_that_ships_is_what_the_script_composes() -> None:
    shipped = (EXAMPLES / "desk-scene.jpg").read_bytes()
    composed, kept = (np.asarray(Image.open(BytesIO(jpeg)), dtype=float) for jpeg in (desk_scene().jpeg, shipped))
    assert np.abs(composed - kept).mean() < 2  # another Pillow may encode differently
    assert len(shipped) < 200_000


def test_the_measures_count_hits_and_misses() -> None:
    found = measure([(0.9, True), (0.8, False), (0.4, True), (0.1, False)], 0.5)
    assert (found.accuracy, found.precision, found.recall) == (Share(2, 4), Share(1, 2), Share(1, 2))
    assert str(Share(19, 20)) == "0.950 (0.764-0.991), 19 of 20"
    assert str(Share(0, 0)) == "no case"


def test_the_best_threshold_lies_in_the_widest_gap_between_the_kinds() -> None:
    assert best_threshold([(0.1, False), (0.2, False), (0.6, True), (0.7, True)]) == pytest.approx(0.4)


@pytest.mark.usefixtures("models")
def test_the_command_reports_the_second_half() -> None:
    printed = StringIO()
    call_command("evaluate_desks", "--count", "16", stdout=printed)
    lines = printed.getvalue().splitlines()
    assert lines[0].endswith("(chosen on the first half), 8 scenes of the second half:")
    assert [line.split()[0] for line in lines[1:4]] == ["accuracy", "precision", "recall"]
    assert "(DESK_THRESHOLD), 8 scenes" in lines[4]
    assert lines[-1].startswith("time per picture on one core: ")
    assert float(lines[6].split()[1]) == 1.0, "precision at the default threshold"


@pytest.mark.usefixtures("no_models")
def test_the_command_says_what_to_do_without_the_model() -> None:
    with pytest.raises(CommandError, match="make models"):
        call_command("evaluate_desks", "--count", "4", stdout=StringIO())
    with pytest.raises(CommandError, match="4 or more"):
        call_command("evaluate_desks", "--count", "2", stdout=StringIO())


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(("name", "is_desk"), [("desk-scene.jpg", True), ("no-desk.jpg", False)])
def test_the_examples_are_what_their_names_say(name: str, is_desk: bool, settings: Settings) -> None:
    found = desk_classify.probabilities(pictures.read((EXAMPLES / name).read_bytes()))
    assert desk_classify.classified(found, settings.DESK_THRESHOLD).is_desk is is_desk
