"""One campaign: load, faults, peace, and the count."""

import threading
import time
from collections import Counter
from collections.abc import Sequence

from tqdm import tqdm

from tools.chaos.clients import BROKEN, Attempt, Clients, answered
from tools.chaos.drain import drained
from tools.chaos.fault import Fault
from tools.chaos.plan import Plan, Strike, strikes
from tools.chaos.report import Report, percentiles
from tools.chaos.stage import Stage
from tools.chaos.verdict import compare

KEYED_EVERY = 5  # requests of a client
PACE_SECONDS = 0.2  # between two looks at how many were answered


class Campaign:
    """Carries out a plan on a stage."""

    def __init__(self, plan: Plan, stage: Stage) -> None:
        self._plan = plan
        self._stage = stage
        self._clients = Clients(stage.port, count=plan.clients, rate=plan.rate, keyed=KEYED_EVERY, rush=stage.rush)
        self._struck: Counter[str] = Counter()
        self._failed: list[str] = []
        self._ends_at = time.monotonic() + plan.seconds

    def run(self) -> Report:
        """All of it."""
        started = time.monotonic()
        self._clients.start()
        striker = threading.Thread(target=self._strike_all, daemon=True)
        striker.start()
        self._watch(striker)
        self._stage.over.set()
        striker.join()
        self._clients.stop()
        return self._judge(time.monotonic() - started)

    def _watch(self, striker: threading.Thread) -> None:
        with tqdm(total=self._plan.predictions, unit="answer") as bar:
            while time.monotonic() < self._ends_at:
                bar.n = self._clients.answered()
                bar.set_postfix(faults=self._struck.total(), restarts=self._stage.restarts)
                if bar.n >= self._plan.predictions and not striker.is_alive():
                    break
                striker.join(PACE_SECONDS) if striker.is_alive() else self._stage.over.wait(PACE_SECONDS)

    def _strike_all(self) -> None:
        """Spreads the strikes over the predictions."""
        planned = strikes(self._plan)
        for number, strike in enumerate(planned):
            while self._clients.answered() * len(planned) < self._plan.predictions * number:
                if self._stage.over.wait(PACE_SECONDS):
                    return
            if self._stage.over.wait(strike.pause):
                return
            self._strike(strike)

    def _strike(self, strike: Strike) -> None:
        threads = [threading.Thread(target=self._act, args=(fault, strike.seconds)) for fault in strike.faults]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _act(self, fault: Fault, seconds: float) -> None:
        self._struck[fault.name] += 1
        try:
            fault.act(self._stage, seconds)
        except Exception as exc:  # noqa: BLE001 - what is struck may be down from the strike before
            self._failed.append(fault.name)
            tqdm.write(f"{fault.name}: {type(exc).__name__}: {exc}")

    def _judge(self, seconds: float) -> Report:
        seconds_to_drain, account = drained(self._stage.system)
        verified = self._stage.system.ask("verify_log", "--no-progress")
        attempts = self._clients.attempts()
        comparison, added = compare(attempts, self._stage.database.rows())
        return Report(
            seed=self._plan.seed,
            database=self._plan.database,
            seconds=round(seconds, 1),
            sent=len(attempts),
            planned=self._plan.predictions,
            answered=len(answered(attempts)),
            refused=_refused(attempts),
            faults=dict(sorted(self._struck.items())),
            failed_faults=len(self._failed),
            restarts=self._stage.restarts,
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
