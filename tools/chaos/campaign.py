"""One campaign: load, faults and tampering, recovery, and the comparison."""

import threading
import time
from collections import Counter
from collections.abc import Sequence

from tqdm import tqdm

from tools.chaos.clients import BROKEN, Attempt, Clients, answered
from tools.chaos.comparison import compare
from tools.chaos.fault import Fault
from tools.chaos.plan import Injection, Plan, injections
from tools.chaos.reconciliation import wait_until_drained
from tools.chaos.report import Report, percentiles
from tools.chaos.testbed import JOURNAL_WRITE_SECONDS, Testbed
from tools.chaos.watchers import Watched, Watchers

KEYED_EVERY = 5  # every fifth request of a client has an Idempotency-Key
POLL_SECONDS = 0.2  # between two checks of the number of answers


class Campaign:
    """Runs a plan on a testbed."""

    def __init__(self, plan: Plan, testbed: Testbed) -> None:
        self._plan = plan
        self._testbed = testbed
        self._clients = Clients(
            testbed.port,
            testbed.token,
            count=plan.clients,
            rate=plan.rate,
            keyed=KEYED_EVERY,
            full_load=testbed.full_load,
        )
        self._watchers = Watchers(testbed, plan.seed)
        self._injected: Counter[str] = Counter()
        self._failed: list[str] = []
        self._ends_at = time.monotonic() + plan.seconds

    def run(self) -> Report:
        """Runs the whole campaign and returns its report."""
        started = time.monotonic()
        self._clients.start()
        self._watchers.start()
        injector = threading.Thread(target=self._inject_all, daemon=True)
        injector.start()
        self._watch(injector)
        self._testbed.faults_over.set()
        injector.join()
        watched = self._watchers.stop()
        self._clients.stop()
        return self._report(time.monotonic() - started, watched)

    def _watch(self, injector: threading.Thread) -> None:
        with tqdm(total=self._plan.predictions, unit="answer") as bar:
            while time.monotonic() < self._ends_at:
                bar.n = self._clients.answered()
                bar.set_postfix(faults=self._injected.total(), restarts=self._testbed.restarts)
                if bar.n >= self._plan.predictions and not injector.is_alive():
                    break
                injector.join(POLL_SECONDS) if injector.is_alive() else self._testbed.faults_over.wait(POLL_SECONDS)

    def _inject_all(self) -> None:
        """Spreads the injections evenly over the predictions."""
        planned = injections(self._plan, self._testbed.features)
        for number, injection in enumerate(planned):
            while self._clients.answered() * len(planned) < self._plan.predictions * number:
                if self._testbed.faults_over.wait(POLL_SECONDS):
                    return
            if self._testbed.faults_over.wait(injection.pause):
                return
            self._inject(injection)

    def _inject(self, injection: Injection) -> None:
        threads = [
            threading.Thread(target=self._inject_fault, args=(fault, injection.seconds)) for fault in injection.faults
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _inject_fault(self, fault: Fault, seconds: float) -> None:
        self._injected[fault.name] += 1
        try:
            fault.inject(self._testbed, seconds)
        except Exception as exc:  # noqa: BLE001 - the target may still be down from the previous fault
            self._failed.append(fault.name)
            tqdm.write(f"{fault.name}: {type(exc).__name__}: {exc}")

    def _report(self, seconds: float, watched: Watched) -> Report:
        seconds_to_drain, account = wait_until_drained(self._testbed.system)
        verified = self._testbed.system.ask("verify_log", "--no-progress")
        attempts = self._clients.attempts()
        comparison, added = compare(attempts, self._testbed.database.rows(), stalled_seconds=JOURNAL_WRITE_SECONDS)
        return Report(
            seed=self._plan.seed,
            database=self._plan.database,
            seconds=round(seconds, 1),
            sent=len(attempts),
            planned=self._plan.predictions,
            answered=len(answered(attempts)),
            refused=_refused(attempts),
            faults=dict(sorted(self._injected.items())),
            failed_faults=len(self._failed),
            left_out=self._testbed.left_out,
            restarts=self._testbed.restarts,
            watched=watched,
            comparison=comparison,
            account=account,
            added_ms=percentiles(added),
            drained_seconds=seconds_to_drain,
            verify_log=(verified.stdout + verified.stderr).strip()[-2000:],
            is_verified=verified.returncode == 0,
        )


def _refused(attempts: Sequence[Attempt]) -> dict[str, int]:
    statuses = Counter(attempt.status for attempt in attempts if not attempt.is_answered)
    return {"broken" if status == BROKEN else str(status): count for status, count in sorted(statuses.items())}
