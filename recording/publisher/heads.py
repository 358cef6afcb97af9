"""How far each origin's numbers go, kept outside the database too: rows that were deleted with their head must show."""

import json
import logging
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from recording.models import Origin
from recording.publisher.progress import write_whole
from recording.seals import UnknownKey, keyring

log = logging.getLogger(__name__)

FILE_NAME = "heads.json"
DAMAGED_NAME = "heads.damaged"


class DamagedHeads(Exception):
    """What is kept beside the journal can't be read."""


class Heads:
    """The heads of a journal's folder, as the publisher confirmed them: `{origin: highest number}`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._is_saved = True
        try:
            self._highest = read(folder)
        except DamagedHeads as exc:
            log.error("%s It is set aside as %s, and the database's own heads are kept from now on.", exc, DAMAGED_NAME)
            self._begin_anew()

    def raise_to(self, origin: UUID, sequence: int) -> None:
        """Notes a confirmed number."""
        if self._highest.get(origin, 0) < sequence:
            self._highest[origin] = sequence
            self._is_saved = False

    def save(self) -> None:
        """Writes what is new, whole or not at all. Raises `OSError`."""
        if self._is_saved:
            return
        write_whole(self._path, {str(origin): highest for origin, highest in self._highest.items()})
        self._is_saved = True

    def _begin_anew(self) -> None:
        """Records must leave all the same, even where the disk refuses this too."""
        with suppress(OSError):
            self._path.rename(self._path.with_name(DAMAGED_NAME))
        self._highest = dict(Origin.objects.values_list("id", "highest"))
        self._is_saved = False


def read(folder: Path) -> dict[UUID, int]:
    """What is kept there; nothing where there is none. Raises `DamagedHeads`."""
    path = folder / FILE_NAME
    try:
        found = json.loads(path.read_text())
        return {UUID(origin): int(highest) for origin, highest in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as exc:
        raise DamagedHeads(f"{path} can't be read ({type(exc).__name__}).") from exc


def end_origin(origin: UUID) -> None:
    """Seals that the origin's highest settled number is its last. One that never settled any has no head."""
    head = Origin.objects.filter(pk=origin, ended=False).first()
    if head is None:
        return
    try:
        seal = keyring().find(head.key_id).head(origin, head.host, head.highest, ended=True)
    except UnknownKey:
        return  # it stays open: `verify_log` asks for the key
    Origin.objects.filter(pk=origin, highest=head.highest).update(ended=True, seal=seal)
