"""Brings what the journal holds to Celery, and lets go of what the database has confirmed.

`core` is the work, one step at a time; `loop` keeps it going, in a process of its own (`manage.py publish`).
"""

from recording.journal import journal_folder
from recording.publisher.core import Publisher
from recording.publisher.loop import run
from recording.publisher.stop import StopRequest

__all__ = ["Publisher", "StopRequest", "journal_folder", "run"]
