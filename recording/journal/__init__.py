"""Records on this host's disk that are not yet confirmed as rows.

It stores opaque bytes: `segment` is the file format, `writer` appends and syncs, `spool` lists, reads and removes a
folder's segments, `watch` waits for writes, `liveness` checks whether a publisher is alive, and `filesystem` detects
network file systems.
"""

from recording.journal.segment import Entry, Frame
from recording.journal.spool import FolderLocked, Spool, folder_lock, journal_folder
from recording.journal.watch import Watch
from recording.journal.writer import JournalFull, JournalStalled, JournalUnwritable, Writer

__all__ = [
    "Entry",
    "FolderLocked",
    "Frame",
    "JournalFull",
    "JournalStalled",
    "JournalUnwritable",
    "Spool",
    "Watch",
    "Writer",
    "folder_lock",
    "journal_folder",
]
