"""Starts the database, the model server and the variants, and pins them to their cores."""

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from pathlib import Path

from tqdm import tqdm

from tests.support.network import free_port
from tests.support.postgres import Postgres
from tools.benchmarks.catalogue import CATALOGUE, SharedServices
from tools.benchmarks.environments import NotInstalled
from tools.benchmarks.raw_http import request, request_once
from tools.benchmarks.resources import CoreLayout, pin, run_first
from tools.benchmarks.variants import NotReady, Variant

REFERENCE = "straight"


class Testbed:
    """The variants that could be started, in order; `missing` has the reason for each of the others."""

    def __init__(self, folder: Path, environments: Path) -> None:
        self.variants: dict[str, Variant] = {}
        self.missing: dict[str, str] = {}
        self.isolated = CoreLayout.isolated()
        self.layout = self.isolated
        self.callers_run_first = False  # before all other processes of their core, and so does the model server
        self._stack = ExitStack()
        self._postgres = self._stack.enter_context(closing(Postgres(folder / "postgres")))
        self._services = SharedServices(folder, environments, self._postgres, free_port())

    def start(self, names: Iterable[str]) -> None:
        """Starts the variants, the model server first."""
        names = [REFERENCE, *(name for name in names if name != REFERENCE)]
        for name in tqdm(names, unit="variant", desc="preparing"):
            self._or_missing(name, self._spawn)
        for name in tqdm(list(self.variants), unit="variant", desc="starting"):
            self._or_missing(name, lambda name: self.variants[name].wait())
        model_servers = [
            each.system.processes[each.web].pid for each in self.variants.values() if each.name == REFERENCE
        ]
        self.callers_run_first = run_first([os.getpid(), *model_servers])

    def drop(self, name: str, reason: str) -> None:
        """Stops a variant; its measurements so far are kept."""
        self.missing[name] = reason
        if variant := self.variants.pop(name, None):
            variant.system.stop()
        tqdm.write(f"{name} is missing: {reason}")

    @property
    def is_isolated(self) -> bool:
        """Whether the web processes have their own core."""
        return not self.layout.web & self.layout.rest

    def delay(self, milliseconds: int) -> None:
        """Sets the delay of the model server."""
        request_once(self._services.stub_port, request(f"/delay/{milliseconds}", b""))

    def isolate_web(self) -> None:
        """Pins the web processes to their own core."""
        self._apply(self.isolated)

    def share_cores(self) -> None:
        """Lets all processes use all cores."""
        self._apply(CoreLayout.shared(self.isolated))

    def pin_all(self) -> None:
        """Pins all processes to their cores, including those started since the last call."""
        os.sched_setaffinity(0, self.layout.rest)
        pin(self._postgres.processes(), self.layout.rest)
        for variant in self.variants.values():
            for name in variant.system.processes:
                is_web = name == variant.web and variant.name != REFERENCE
                pin(variant.processes(name), self.layout.web if is_web else self.layout.rest)

    def close(self) -> None:
        """Stops all processes."""
        self._stack.close()

    def _apply(self, layout: CoreLayout) -> None:
        self.layout = layout
        self.pin_all()

    def _or_missing(self, name: str, act: Callable[[str], None]) -> None:
        try:
            act(name)
        except (NotInstalled, NotReady) as exc:
            self.drop(name, str(exc))

    def _spawn(self, name: str) -> None:
        variant = CATALOGUE[name](self._services)
        self._stack.callback(variant.close)
        self.variants[name] = variant
        variant.spawn()
