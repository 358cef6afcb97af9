"""`evaluate_desks`: how well the desk classifier does on composed scenes."""

from pathlib import Path
from statistics import median
from time import thread_time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from imaging import pictures
from imaging.evaluation.measures import best_threshold, measure
from imaging.evaluation.scenes import Scene, labelled_set
from imaging.exceptions import ModelMissing
from imaging.services import desk_classify


class Command(BaseCommand):
    """Prints accuracy, precision and recall of one half, with the threshold that the other half gave."""

    help = "Evaluates the desk classifier on scenes that are composed of cut-outs. They are not photographs."
    requires_system_checks: Any = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """The size of the set, its seed, and a folder for its pictures."""
        parser.add_argument("--count", type=int, default=240, help="scenes, at least 4; half are desks (240)")
        parser.add_argument("--seed", type=int, default=1, help="another seed gives other scenes (1)")
        parser.add_argument("--save", type=Path, help="a folder to which the pictures are written")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints one line for each figure. Raises `CommandError` if the model is missing."""
        if options["count"] < 4:
            raise CommandError("--count must be 4 or more")
        scenes = list(labelled_set(options["seed"], options["count"]))
        if options["save"]:
            _save(scenes, options["save"])
        try:
            found = [_classify(scene) for scene in scenes]
        except ModelMissing as exc:
            raise CommandError(str(exc)) from exc
        judged = [(score, scene.is_desk) for scene, (score, _) in zip(scenes, found, strict=True)]
        middle = len(judged) // 4 * 2  # both halves have as many desks as others
        self._report(judged[:middle], judged[middle:])
        self.stdout.write(f"time per picture on one core: {median(seconds for _, seconds in found) * 1000:.1f} ms")

    def _report(self, first: list[tuple[float, bool]], second: list[tuple[float, bool]]) -> None:
        chosen = best_threshold(first)
        for threshold, why in ((chosen, "chosen on the first half"), (settings.DESK_THRESHOLD, "DESK_THRESHOLD")):
            measures = measure(second, threshold)
            self.stdout.write(f"threshold {threshold:.3f} ({why}), {len(second)} scenes of the second half:")
            for name, share in vars(measures).items():
                self.stdout.write(f"  {name} {share}")


def _classify(scene: Scene) -> tuple[float, float]:
    """The probability of a desk, and the processor time of the classifier in seconds."""
    picture = pictures.read(scene.jpeg)
    started = thread_time()
    found = desk_classify.classified(desk_classify.probabilities(picture), settings.DESK_THRESHOLD)
    return found.desk_probability, thread_time() - started


def _save(scenes: list[Scene], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, scene in enumerate(scenes):
        kind = "desk" if scene.is_desk else "other"
        (folder / f"{number:03d}-{kind}-{'-'.join(scene.things)}.jpg").write_bytes(scene.jpeg)
