"""What commands that read the journal share."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from common.exceptions import Unavailable
from recording.backlog import UnreadableSegment
from recording.publisher.heads import DamagedHeads


@contextmanager
def telling_what_is_unreadable() -> Iterator[None]:
    """Turns what can't be read beside the journal, or in the storage, into the command's own error, exit status 1."""
    try:
        yield
    except Unavailable as exc:
        raise CommandError(exc.detail) from exc
    except (DamagedHeads, UnreadableSegment) as exc:
        mend = "Check the disk, or move the file out of the journal's folder and keep it, and run this again."
        raise CommandError(f"{exc} What is missing can't be told from what is still on its way. {mend}") from exc
