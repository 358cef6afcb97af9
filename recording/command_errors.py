"""Error handling shared by the commands that read the journal."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import Error

from common.database_errors import trouble
from common.exceptions import Unavailable
from recording.backlog import UnreadableSegment
from recording.publisher.heads import DamagedHeads
from recording.seals import UnknownKey


@contextmanager
def unreadable_files_as_command_errors() -> Iterator[None]:
    """Turns a failing disk, database or storage, and a missing key, into a `CommandError`, exit status 1."""
    try:
        yield
    except Unavailable as exc:
        raise CommandError(exc.detail) from exc
    except Error as exc:
        raise CommandError(f"The database {trouble(exc) or 'fails'} ({type(exc).__name__}). Run this again.") from exc
    except UnknownKey as exc:
        raise CommandError(str(exc)) from exc
    except OSError as exc:
        raise CommandError(f"A file of the journal can't be used ({exc.strerror}). Run this again.") from exc
    except (DamagedHeads, UnreadableSegment) as exc:
        advice = "Check the disk, or move the file out of the journal's folder, keep it, and run this again."
        raise CommandError(f"{exc} Missing records can't be told from those still on their way. {advice}") from exc
