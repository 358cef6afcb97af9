"""Origins' heads, saved outside the database too, so that rows deleted together with their head show."""

import json
import logging
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from recording.models import Origin
from recording.publisher.progress import write_atomically
from recording.seals import UnknownKey, keyring

log = logging.getLogger(__name__)

FILE_NAME = "heads.json"
DAMAGED_NAME = "heads.damaged"


class DamagedHeads(Exception):
    """The heads saved beside the journal can't be read."""


class Heads:
    """The heads saved in a journal's folder: the highest confirmed number of each origin."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._is_saved = True
        try:
            self._highest = read(folder)
        except DamagedHeads as exc:
            log.error("%s It is renamed to %s, and replaced by the heads in the database.", exc, DAMAGED_NAME)
            self._start_over()

    def raise_to(self, origin: UUID, sequence: int) -> None:
        """Records a confirmed number."""
        if self._highest.get(origin, 0) < sequence:
            self._highest[origin] = sequence
            self._is_saved = False

    def save(self) -> None:
        """Writes the file atomically if anything changed. Raises `OSError`."""
        if self._is_saved:
            return
        write_atomically(self._path, {str(origin): highest for origin, highest in self._highest.items()})
        self._is_saved = True

    def _start_over(self) -> None:
        """A disk error here must not stop publishing."""
        with suppress(OSError):
            self._path.rename(self._path.with_name(DAMAGED_NAME))
        self._highest = dict(Origin.objects.values_list("id", "highest"))
        self._is_saved = False


def read(folder: Path) -> dict[UUID, int]:
    """The saved heads; empty if there is no file. Raises `DamagedHeads`."""
    path = folder / FILE_NAME
    try:
        saved = json.loads(path.read_text())
        return {UUID(origin): int(highest) for origin, highest in saved.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as exc:
        raise DamagedHeads(f"{path} can't be read ({type(exc).__name__}).") from exc


def end_origin(origin: UUID) -> None:
    """Seals that the origin's highest settled number is its last. An origin without settled numbers has no head."""
    head = Origin.objects.filter(pk=origin, ended=False).first()
    if head is None:
        return
    try:
        seal = keyring().find(head.key_id).head(origin, head.host, head.highest, ended=True)
    except UnknownKey:
        return  # it stays open, and `verify_log` reports the missing key
    Origin.objects.filter(pk=origin, highest=head.highest).update(ended=True, seal=seal)
