"""Brings what the journal holds to Celery, and lets go of what the database has confirmed.

`core` is the work, one step at a time; `loop` keeps it going, in a thread of a gateway process or in one of its own.
"""

from recording.publisher.core import Publisher
from recording.publisher.loop import journal_folder, run, start_in_background, wake

__all__ = ["Publisher", "journal_folder", "run", "start_in_background", "wake"]
