import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ml_server.exceptions import InvalidImage
from ml_server.images.decoder import MAX_BYTES
from ml_server.images.sources import from_base64, read_within
from tests.ml_server.unit.sample_images import in_base64

CONTENT = bytes(range(256))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A readable folder, with links to files outside it."""
    allowed = tmp_path / "images"
    (allowed / "ward 3").mkdir(parents=True)
    (allowed / "ward 3" / "a.png").write_bytes(CONTENT)
    (tmp_path / "secret.png").write_bytes(b"secret")
    (allowed / "link.png").symlink_to(tmp_path / "secret.png")
    (allowed / "inner.png").symlink_to("ward 3/a.png")
    (allowed / "up").symlink_to(tmp_path)
    os.mkfifo(allowed / "pipe")
    return allowed


@pytest.mark.parametrize("name", ["ward 3/a.png", "./ward 3//a.png"])
def test_it_reads_a_file_in_the_folder(folder: Path, name: str) -> None:
    assert read_within(folder, name) == CONTENT


@pytest.mark.parametrize(
    "name",
    [
        *("../secret.png", "ward 3/../../secret.png", "..", "", ".", "/etc/passwd", "//etc/passwd"),
        *("link.png", "inner.png", "up/secret.png", "pipe", "ward 3", "nothing.png", "ward 3/a.png/b"),
        *("a\0b", "\ud800", "x" * 5000, "y/" * 5000, "~", "file:///etc/passwd", "..\\secret.png"),
    ],
)
def test_it_reads_nothing_else_and_always_gives_the_same_reason(folder: Path, name: str) -> None:
    with pytest.raises(InvalidImage) as caught:
        read_within(folder, name)
    assert caught.value.error == "must be the path of a file within IMAGE_DIR, without links and .."


def test_it_reads_no_path_without_image_dir() -> None:
    with pytest.raises(InvalidImage, match="this server has no IMAGE_DIR"):
        read_within(None, "a.png")


def test_it_leaves_no_file_open(folder: Path) -> None:
    for name in ("ward 3/a.png", "ward 3", "pipe", "link.png", "nothing/at/all"):
        with suppress(InvalidImage):
            read_within(folder, name)
    assert not [path for path in open_files() if path.startswith(str(folder))]


def open_files() -> Iterator[str]:
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            yield os.readlink(f"/proc/self/fd/{descriptor}")


def test_it_reads_a_huge_file_only_up_to_the_limit(folder: Path) -> None:
    with (folder / "huge").open("wb") as file:
        file.truncate(1 << 40)
    assert len(read_within(folder, "huge")) == MAX_BYTES + 1


@pytest.mark.parametrize("wrap", ["{}", "data:image/png;base64,{}", " {}\n"])
def test_it_accepts_base64_from_browsers_and_shells(wrap: str) -> None:
    text = in_base64(CONTENT)
    assert from_base64(wrap.format(text)) == CONTENT
    assert from_base64(wrap.format("\n".join(text[at : at + 76] for at in range(0, len(text), 76)))) == CONTENT


@pytest.mark.parametrize("text", ["%%%", "abc", "né", "\ud800", "====", "a b c d e"])
def test_it_rejects_invalid_base64(text: str) -> None:
    with pytest.raises(InvalidImage, match="must be base64"):
        from_base64(text)
