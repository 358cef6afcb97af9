"""Error handling shared by the commands that read the journal."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from common.exceptions import Unavailable
from recording.backlog import UnreadableSegment
from recording.publisher.heads import DamagedHeads


@contextmanager
def unreadable_files_as_command_errors() -> Iterator[None]:
    """Turns an unreadable journal file or an unavailable storage into a `CommandError`, exit status 1."""
    try:
        yield
    except Unavailable as exc:
        raise CommandError(exc.detail) from exc
    except (DamagedHeads, UnreadableSegment) as exc:
        advice = "Check the disk, or move the file out of the journal's folder, keep it, and run this again."
        raise CommandError(f"{exc} Missing records can't be told from those still on their way. {advice}") from exc
