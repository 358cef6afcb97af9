"""The room that a start needs."""

from pathlib import Path

import pytest

from backend.env import BadSetting
from tools.launch.system import check_room


def test_a_full_disk_is_named() -> None:
    line = r"^VAR_DIR can't be '/proc', whose disk has 0 MiB free: free 128 MiB there, or set another VAR_DIR$"
    with pytest.raises(BadSetting, match=line):
        check_room(Path("/proc"))


def test_a_disk_with_room_is_taken(tmp_path: Path) -> None:
    check_room(tmp_path)
