import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ml_server.exceptions import BadImage
from ml_server.images.decoding import MAX_BYTES
from ml_server.images.sources import from_base64, read_beneath
from tests.ml_server.unit.pictures import in_base64

PICTURE = bytes(range(256))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One that may be read, and beside it what may not."""
    allowed = tmp_path / "images"
    (allowed / "ward 3").mkdir(parents=True)
    (allowed / "ward 3" / "a.png").write_bytes(PICTURE)
    (tmp_path / "secret.png").write_bytes(b"secret")
    (allowed / "link.png").symlink_to(tmp_path / "secret.png")
    (allowed / "inner.png").symlink_to("ward 3/a.png")
    (allowed / "up").symlink_to(tmp_path)
    os.mkfifo(allowed / "pipe")
    return allowed


@pytest.mark.parametrize("name", ["ward 3/a.png", "./ward 3//a.png"])
def test_it_reads_a_file_in_the_folder(folder: Path, name: str) -> None:
    assert read_beneath(folder, name) == PICTURE


@pytest.mark.parametrize(
    "name",
    [
        *("../secret.png", "ward 3/../../secret.png", "..", "", ".", "/etc/passwd", "//etc/passwd"),
        *("link.png", "inner.png", "up/secret.png", "pipe", "ward 3", "nothing.png", "ward 3/a.png/b"),
        *("a\0b", "\ud800", "x" * 5000, "y/" * 5000, "~", "file:///etc/passwd", "..\\secret.png"),
    ],
)
def test_it_reaches_nothing_else_and_always_says_the_same(folder: Path, name: str) -> None:
    with pytest.raises(BadImage) as caught:
        read_beneath(folder, name)
    assert caught.value.error == "is no file in the folder of images; links and .. are not followed"


def test_it_is_off_unless_a_folder_is_set() -> None:
    with pytest.raises(BadImage, match="IMAGE_DIR is not set"):
        read_beneath(None, "a.png")


def test_it_leaves_no_file_open(folder: Path) -> None:
    for name in ("ward 3/a.png", "ward 3", "pipe", "link.png", "nothing/at/all"):
        with suppress(BadImage):
            read_beneath(folder, name)
    assert not [path for path in open_files() if path.startswith(str(folder))]


def open_files() -> Iterator[str]:
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            yield os.readlink(f"/proc/self/fd/{descriptor}")


def test_it_reads_no_more_of_a_huge_file_than_is_needed_to_refuse_it(folder: Path) -> None:
    with (folder / "huge").open("wb") as file:
        file.truncate(1 << 40)
    assert len(read_beneath(folder, "huge")) == MAX_BYTES + 1


@pytest.mark.parametrize("wrap", ["{}", "data:image/png;base64,{}", " {}\n"])
def test_it_takes_base64_as_browsers_and_shells_give_it(wrap: str) -> None:
    text = in_base64(PICTURE)
    assert from_base64(wrap.format(text)) == PICTURE
    assert from_base64(wrap.format("\n".join(text[at : at + 76] for at in range(0, len(text), 76)))) == PICTURE


@pytest.mark.parametrize("text", ["%%%", "abc", "né", "\ud800", "====", "a b c d e"])
def test_it_refuses_what_is_not_base64(text: str) -> None:
    with pytest.raises(BadImage, match="is not base64"):
        from_base64(text)
