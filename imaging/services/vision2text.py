"""What is in the picture, in words.

Without a key no model here can describe a picture. So the words are made from the classifier's labels and from the
picture's own colours, and say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imaging.services.interface import Kind, Usage
from imaging.weights.catalogue import CLASSIFIER

if TYPE_CHECKING:
    from imaging.pictures import Picture
    from imaging.services.desk_classify import Classification

LIKELY = 0.05  # the probability from which a label is named
COLOURS = 3
DARK, BRIGHT = 85, 170  # of 255

# What the label of a thing on a desk is in a search for products.
KEYWORDS = {
    "desk": "책상",
    "desktop computer": "데스크톱",
    "keyboard": "키보드",
    "laptop": "노트북 거치대",
    "monitor": "모니터 받침대",
    "mouse": "마우스",
    "notebook": "노트북 거치대",
    "screen": "모니터 받침대",
    "space bar": "키보드",
}
ALWAYS = ("데스크 매트", "스탠드 조명")  # what most desks lack
PALETTE = {
    "black": (20, 20, 20),
    "grey": (128, 128, 128),
    "white": (240, 240, 240),
    "red": (190, 40, 40),
    "orange": (225, 130, 40),
    "yellow": (225, 210, 70),
    "green": (60, 140, 60),
    "blue": (50, 90, 180),
    "purple": (120, 60, 150),
    "pink": (235, 160, 180),
    "brown": (110, 75, 45),
    "beige": (220, 200, 165),
}


@dataclass(frozen=True)
class Seen:
    """What there is to describe: a picture, and what the classifier says of it."""

    picture: Picture
    classification: Classification


@dataclass(frozen=True)
class Description:
    """A text for the drawing, and keywords for products. `made_from` says what the text rests on."""

    text: str
    keywords: tuple[str, ...]
    made_from: str


class LabelsAndColours:
    """A sentence from labels and colours, made on this machine without a language model."""

    provider = "local"

    def run(self, given: Seen, usage: Usage) -> Description:
        """Describes a picture."""
        usage.model, usage.model_version = "labels-and-colours", f"1 ({CLASSIFIER.name} {CLASSIFIER.version})"
        found = Description(_sentence(given), _keywords(given.classification), "labels and colours")
        usage.answer = vars(found)
        return found

    def info(self) -> dict[str, Any]:
        """What it is, and what it is not."""
        note = "a sentence from labels and colours; no captioner"
        return {"model": "labels-and-colours", "version": "1", "note": note}


def _sentence(given: Seen) -> str:
    labels = [label.name for label in given.classification.top if label.probability >= LIKELY]
    things = f"probably {_joined(labels)}" if labels else "nothing that the classifier is sure of"
    shades, light = _joined(colours(given.picture)), _light(given.picture)
    return f"It shows {things}. Its main colours are {shades}, and it is {light}."


def _keywords(found: Classification) -> tuple[str, ...]:
    likely = [KEYWORDS[label.name] for label in found.desk_labels if label.probability >= LIKELY]
    return tuple(dict.fromkeys([*likely, *ALWAYS]))


def colours(picture: Picture) -> list[str]:
    """The names of the most frequent colours, the most frequent first."""
    small = picture.image.resize((32, 32))
    counts = dict.fromkeys(PALETTE, 0)
    values = iter(small.tobytes())
    for pixel in zip(values, values, values, strict=True):
        counts[_nearest(pixel)] += 1
    found = sorted(counts, key=lambda name: -counts[name])[:COLOURS]
    return [name for name in found if counts[name]]


def _nearest(pixel: tuple[int, ...]) -> str:
    return min(PALETTE, key=lambda name: sum((a - b) ** 2 for a, b in zip(pixel, PALETTE[name], strict=True)))


def _light(picture: Picture) -> str:
    level = picture.image.convert("L").resize((1, 1)).tobytes()[0]
    return "dark" if level < DARK else "bright" if level > BRIGHT else "neither dark nor bright"


def _joined(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


VISION2TEXT: Kind[Seen, Description] = Kind("vision2text", "IMAGE_DESCRIBER")
