"""Files in a local folder, or in one that web and workers share. Files are written atomically."""

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from django.core.files.storage import FileSystemStorage

from attachments.descriptors import Attachment
from recording.journal.segment import sync_folder


class Folder(FileSystemStorage):
    """Django's `FileSystemStorage`, with atomic and synced writes, which it lacks."""

    failures: ClassVar = (OSError,)
    _durable: ClassVar[set[Path]] = set()  # folders whose own entries this process has synced, and which stay

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name itself: an existing file with this name is the same file."""
        return name

    def link(self, file: Attachment) -> str:
        """Blank: the gateway serves the file."""
        return ""

    def keys(self, prefix: str) -> Iterator[str]:
        """Without drafts of files that are being written."""
        top = Path(self.location)
        for folder, _, names in os.walk(self.path(prefix)):
            yield from (str((Path(folder) / name).relative_to(top)) for name in names if not name.startswith("."))

    def discard_drafts(self, prefix: str) -> None:
        """Deletes what killed processes had begun to write."""
        folder = Path(self.path(prefix))
        for draft in folder.glob(".*"):
            draft.unlink(missing_ok=True)
        with suppress(OSError):
            folder.rmdir()

    def delete(self, name: str) -> None:
        """Deletes the file, and the record's folder once it is empty."""
        super().delete(name)
        with suppress(OSError):
            Path(self.path(name)).parent.rmdir()

    def _save(self, name: str, content: Any) -> str:
        path = Path(self.path(name))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            with open(draft, "wb", opener=_private) as file:
                file.writelines(content.chunks())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        self._sync(path.parent)
        return name

    def _sync(self, folder: Path) -> None:
        """Makes the entries of a file and of its folders durable. A record's folder may be new; those above stay."""
        sync_folder(folder)
        top = Path(self.location)
        if folder == top:
            return
        sync_folder(folder.parent)
        for upper in takewhile(lambda each: each != top, folder.parents):
            if upper not in self._durable:
                sync_folder(upper.parent)
                self._durable.add(upper)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
