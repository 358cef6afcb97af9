"""Records on this host's disk that are not yet confirmed as rows.

It holds opaque bytes and knows nothing of predictions: `segment` is the file, `writer` appends and syncs, `spool` finds
and forgets what a folder holds, `watch` waits for what is written to it, `liveness` tells whether a publisher is
alive.
"""

from recording.journal.segment import Entry
from recording.journal.spool import Spool, Unlockable, folder_lock, journal_folder
from recording.journal.watch import Watch
from recording.journal.writer import JournalFull, JournalUnwritable, Writer

__all__ = [
    "Entry",
    "JournalFull",
    "JournalUnwritable",
    "Spool",
    "Unlockable",
    "Watch",
    "Writer",
    "folder_lock",
    "journal_folder",
]
