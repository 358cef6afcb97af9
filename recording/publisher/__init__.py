"""Publishes the journal's records to Celery, and removes them from the journal once the database confirms them.

`publisher` does the work, one step at a time; `loop` repeats it, in a process of its own (`manage.py publish`).
"""

from recording.journal import journal_folder
from recording.publisher.loop import run
from recording.publisher.publisher import Publisher
from recording.publisher.stop import StopRequest

__all__ = ["Publisher", "StopRequest", "journal_folder", "run"]
