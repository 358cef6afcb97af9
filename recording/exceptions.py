"""Errors of recording.

Unavailable           503
├─ NoRoom                   no room is left for the record
└─ NotRecorded              neither journal nor database took the record
"""

from common.exceptions import Unavailable


class NoRoom(Unavailable):
    """No room is left for the record; the model was not called."""

    kind = "no-room"
    title = "No room for the record is left"


class NotRecorded(Unavailable):
    """Neither the journal nor the database took the record, so the answer is withheld."""

    kind = "not-recorded"
    title = "The answer could not be recorded"
