"""Everything that runs: the database, the model server and the variants, each on the cores that are its own."""

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from pathlib import Path

from tqdm import tqdm

from tests.support.network import free_port
from tests.support.postgres import Postgres
from tools.benchmarks.catalogue import CATALOGUE, Ground
from tools.benchmarks.cores import Layout, place
from tools.benchmarks.environments import NotInstalled
from tools.benchmarks.variants import NotUp, Variant
from tools.benchmarks.wire import ask_once, request

REFERENCE = "straight"


class Stage:
    """The variants that could be brought up, in order; `missing` says why others could not."""

    def __init__(self, folder: Path, environments: Path) -> None:
        self.variants: dict[str, Variant] = {}
        self.missing: dict[str, str] = {}
        self.apart = Layout.apart()
        self.layout = self.apart
        self._stack = ExitStack()
        self._postgres = self._stack.enter_context(closing(Postgres(folder / "postgres")))
        self._ground = Ground(folder, environments, self._postgres, free_port())

    def start(self, names: Iterable[str]) -> None:
        """Brings variants up, the model server first."""
        names = [REFERENCE, *(name for name in names if name != REFERENCE)]
        for name in tqdm(names, unit="variant", desc="preparing"):
            self._or_missing(name, self._spawn)
        for name in tqdm(list(self.variants), unit="variant", desc="starting"):
            self._or_missing(name, lambda name: self.variants[name].wait())

    def drop(self, name: str, reason: str) -> None:
        """Goes on without a variant; what it has been measured so far stays."""
        self.missing[name] = reason
        if variant := self.variants.pop(name, None):
            variant.system.stop()
        tqdm.write(f"{name} is missing: {reason}")

    @property
    def is_apart(self) -> bool:
        """Whether the web processes have a core to themselves."""
        return not self.layout.web & self.layout.rest

    def delay(self, milliseconds: int) -> None:
        """Sets how long the model server takes."""
        ask_once(self._ground.stub_port, request(f"/delay/{milliseconds}", b""))

    def spread_out(self) -> None:
        """The web processes on a core of their own."""
        self._lay(self.apart)

    def come_together(self) -> None:
        """Everybody on all cores."""
        self._lay(Layout.together(self.apart))

    def place(self) -> None:
        """Moves processes to where they belong, those that came since the last time too."""
        os.sched_setaffinity(0, self.layout.rest)
        place(self._postgres.processes(), self.layout.rest)
        for variant in self.variants.values():
            for name in variant.system.processes:
                is_web = name == variant.web and variant.name != REFERENCE
                place(variant.processes(name), self.layout.web if is_web else self.layout.rest)

    def close(self) -> None:
        """Ends all of it."""
        self._stack.close()

    def _lay(self, layout: Layout) -> None:
        self.layout = layout
        self.place()

    def _or_missing(self, name: str, act: Callable[[str], None]) -> None:
        try:
            act(name)
        except (NotInstalled, NotUp) as exc:
            self.drop(name, str(exc))

    def _spawn(self, name: str) -> None:
        variant = CATALOGUE[name](self._ground)
        self._stack.callback(variant.close)
        self.variants[name] = variant
        variant.spawn()
