"""Composes scenes of cut-outs: a wall, a table top, and things on it. The same seed gives the same pixels.

A desk has a computer. Half of the others have things of a desk too, but no computer: books, a telephone, a chair.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL.Image import Image

SIZE = 480, 360  # pixels
LARGE = 960, 720
SHIPPED_SEED = "desk scene 12"
QUALITY = 88
HORIZON = 0.62  # of the height: where the table begins
CUTOUTS = Path(__file__).resolve().parent / "cutouts"

BESIDE_A_COMPUTER = ("coffee", "plant", "books", "pencil", "telephone", "mobile", "notebook", "headphones", "clock")
WITHOUT_A_COMPUTER = (*BESIDE_A_COMPUTER, "chair", "picture", "teapot", "couch", "bed")
ELSEWHERE = (
    *("dog", "car", "pizza", "apple", "tree", "bicycle", "boat", "house", "cat", "bus", "burger", "banana", "guitar"),
    *("ball", "fish", "cake", "shirt"),
)
WALLS = (235, 230, 220), (214, 226, 234), (240, 240, 240), (226, 214, 206), (206, 220, 206), (190, 190, 198)
TABLES = (172, 128, 88), (120, 84, 58), (206, 180, 146), (232, 232, 228), (96, 90, 88)


@dataclass(frozen=True)
class Scene:
    """A JPEG file, whether it shows a desk, and the names of what was put in."""

    jpeg: bytes
    is_desk: bool
    things: tuple[str, ...]


def labelled_set(seed: int, count: int) -> Iterator[Scene]:
    """`count` scenes: desks and others in turn."""
    for number in range(count):
        yield compose(Random(f"{seed} {number}"), is_desk=number % 2 == 0)  # noqa: S311 - nothing secret


def desk_scene() -> Scene:
    """The scene that ships with the project."""
    return compose(Random(SHIPPED_SEED), is_desk=True, size=LARGE)  # noqa: S311


def compose(random: Random, *, is_desk: bool, size: tuple[int, int] = SIZE) -> Scene:
    """One scene."""
    image = _room(random, size)
    if is_desk:
        things = _put_computer(random, image)
        things += _put_row(random, image, random.sample(BESIDE_A_COMPUTER, random.randint(1, 3)))
    else:
        kinds = random.choice([WITHOUT_A_COMPUTER, ELSEWHERE])
        things = _put_row(random, image, random.sample(kinds, random.randint(2, 5)), height=0.42)
    file = BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return Scene(file.getvalue(), is_desk, tuple(things))


def _room(random: Random, size: tuple[int, int]) -> Image:
    from PIL import Image, ImageDraw  # noqa: PLC0415 - only where pictures are made

    width, height = size
    image = Image.new("RGB", size, random.choice(WALLS))
    edge = int(height * HORIZON)
    ImageDraw.Draw(image).rectangle((0, edge, width, height), fill=random.choice(TABLES))
    shade = Image.linear_gradient("L").resize(size).point(lambda value: value // 6)
    image.paste((0, 0, 0), mask=shade)
    return image


def _put_computer(random: Random, image: Image) -> list[str]:
    """A screen or a laptop in the middle, and usually what belongs to it."""
    screen = random.choice(["desktop", "desktop", "laptop"])
    _put(image, screen, random.uniform(0.42, 0.58), 0.78, random.uniform(0.5, 0.64))
    things = [screen]
    if random.random() < 0.8:
        _put(image, "keyboard", random.uniform(0.4, 0.55), 0.99, random.uniform(0.22, 0.28))
        things.append("keyboard")
    if random.random() < 0.8:
        _put(image, "mouse", random.uniform(0.68, 0.76), 0.97, random.uniform(0.13, 0.18))
        things.append("mouse")
    return things


def _put_row(random: Random, image: Image, names: Sequence[str], height: float = 0.28) -> list[str]:
    """Things beside each other, from the outside inwards."""
    places = [0.12, 0.88, 0.3, 0.7, 0.5]
    for name, place in zip(names, places, strict=False):
        _put(image, name, place + random.uniform(-0.03, 0.03), random.uniform(0.74, 0.95), height)
    return list(names)


def _put(image: Image, name: str, middle: float, bottom: float, height: float) -> None:
    """Pastes a cut-out with a shadow. All numbers are parts of the image's width or height."""
    side = int(image.height * height)
    thing = _cutout(name).resize((side, side))
    left, top = int(image.width * middle - side / 2), int(image.height * bottom - side)
    shadow = thing.getchannel("A").point(lambda value: value // 4)
    image.paste((0, 0, 0), (left + side // 40, top + side // 40), shadow)
    image.paste(thing, (left, top), thing)


@cache
def _cutout(name: str) -> Image:
    from PIL import Image  # noqa: PLC0415

    return Image.open(CUTOUTS / f"{name}.webp").convert("RGBA")
