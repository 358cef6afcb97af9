"""The processes beside a campaign: a reader that polls the journal, and a tamperer whom verification must catch."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from tools.chaos.journal_faults import FLIPPED
from tools.chaos.testbed import Testbed

STOP_SECONDS = 300.0  # the tamperer verifies, and undoes what it did
DROPPED = "message dropped"  # in the worker's log


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What they found."""

    polls: int
    frames_read: int
    gaps: int  # in the journal, as a reader sees it
    tamperings: Mapping[str, int]  # by kind
    not_named: list[str]  # tamperings that verification did not find
    invented: list[str]  # findings about something else
    messages_dropped: int  # by a worker, as not sealed by a publisher; fewer than were forged if Redis lost them

    @property
    def is_whole(self) -> bool:
        """Whether every frame was whole, every tampering was named, and nothing else was."""
        return not (self.gaps or self.not_named or self.invented)


class Watchers:
    """Both processes, from `start` to `stop`."""

    def __init__(self, testbed: Testbed, seed: int) -> None:
        self._system = testbed.system
        self._results = {name: self._system.folder / f"{name}.json" for name in ("reader", "tamperer")}
        paths = [testbed.journal, self._results["reader"], self._system.folder / FLIPPED]
        run = [sys.executable, "-m"]
        self._system.commands["reader"] = [*run, "tools.chaos.reader", *map(str, paths)]
        self._system.commands["tamperer"] = [*run, "tools.chaos.tamperer", str(seed), str(self._results["tamperer"])]

    def start(self) -> None:
        """Starts them."""
        for name in self._results:
            self._system.spawn(name)

    def stop(self) -> Watched:
        """Waits until the tamperer has undone what it did. Raises `RuntimeError` if one of them failed."""
        for name in self._results:
            process = self._system.processes.pop(name)
            process.terminate()
            if process.wait(STOP_SECONDS):
                raise RuntimeError(f"the {name} failed: {self._system.log_of(name)[-2000:]}")
        reader, tamperer = (json.loads(path.read_text()) for path in self._results.values())
        return Watched(
            polls=reader["polls"],
            frames_read=reader["frames"],
            gaps=reader["gaps"],
            tamperings=dict(sorted(tamperer["made"].items())),
            not_named=tamperer["not named"],
            invented=tamperer["invented"],
            messages_dropped=self._system.log_of("worker-logs").count(DROPPED),
        )
