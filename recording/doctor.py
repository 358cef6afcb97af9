"""The doctor's check of the journal's disk."""

import os
import shutil
import tempfile
import time

from django.conf import settings

from common.doctor import Wrong
from recording.journal.filesystem import MEMORY, type_of
from recording.publisher import journal_folder

SLOW_SECONDS = 1.0  # for a small file to reach the disk: each prediction waits for that
MIB = 1024 * 1024


def journal_disk() -> str:
    """Writes and syncs a file, and looks at the kind of disk and the free space. Raises `Wrong`."""
    folder = journal_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        seconds = _sync_seconds(str(folder.parent))
        free = shutil.disk_usage(folder).free
    except OSError as exc:
        mend = f"Let this user write to {folder.parent}, or set another VAR_DIR."
        raise Wrong(f"can't be written ({exc.strerror})", mend) from None
    if not settings.DEBUG and (kind := type_of(folder)) in MEMORY:
        mend = "Set VAR_DIR to a folder on a disk: with the machine, all records that are not rows yet would end."
        raise Wrong(f"is memory ({kind})", mend)
    if free < settings.JOURNAL_MAX_BYTES:
        need = f"{settings.JOURNAL_MAX_BYTES // MIB} MiB that JOURNAL_MAX_BYTES promises"
        raise Wrong(f"has {free // MIB} MiB free, less than the {need}", "Free space, or lower JOURNAL_MAX_BYTES.")
    if seconds > SLOW_SECONDS:
        raise Wrong(f"takes {seconds:.1f} s to keep a small file", "Put VAR_DIR on a faster disk.")
    return f"{free // MIB} MiB free, keeps a file in {seconds * 1000:.0f} ms"


def _sync_seconds(folder: str) -> float:
    with tempfile.TemporaryFile(dir=folder) as file:
        started = time.perf_counter()
        file.write(b"doctor")
        file.flush()
        os.fsync(file.fileno())
        return time.perf_counter() - started
