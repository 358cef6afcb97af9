"""Files in a folder: what is synced, so that a power cut loses no file."""

from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from attachments.storage import folder
from attachments.storage.folder import Folder
from recording.journal.segment import sync_folder


def test_the_entries_of_new_folders_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A month begins in a process that has stored files before."""
    synced: set[Path] = set()

    def noted(path: Path) -> None:
        synced.add(path)
        sync_folder(path)

    monkeypatch.setattr(folder, "sync_folder", noted)
    year = tmp_path / "inputs" / "2026"
    storage = Folder(location=tmp_path)
    storage.save("inputs/2026/11/first/0", ContentFile(b"1"))
    assert synced == {tmp_path, year.parent, year, year / "11", year / "11" / "first"}
    synced.clear()
    storage.save("inputs/2026/11/second/0", ContentFile(b"2"))
    assert synced == {year / "11", year / "11" / "second"}
    synced.clear()
    storage.save("inputs/2026/12/third/0", ContentFile(b"3"))
    assert synced == {year, year / "12", year / "12" / "third"}
