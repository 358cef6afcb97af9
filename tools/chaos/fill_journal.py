"""`python -m tools.chaos.fill_journal COUNT`: fills a journal with the gateway's own code, as during an outage.

Writes one origin of real records, durable and sealed. Clients would need minutes for such a backlog.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()

from common.ids import uuid7  # noqa: E402
from ml_proxy.records import InferenceRecord  # noqa: E402
from recording import recorder  # noqa: E402

THREADS = 16
FEATURES = ", ".join(f"{0.37 * number:.2f}" for number in range(100))


def fill(count: int) -> None:
    """Records `count` inferences of about 1.2 kB."""
    with ThreadPoolExecutor(THREADS) as threads:
        for _ in threads.map(_record, range(count)):
            pass


def _record(number: int) -> None:
    name = f"backlog-{number}"
    recorder.record(
        InferenceRecord(
            id=uuid7(),
            doctor_name="Dr. Chaos",
            patient_name=f"Patient {name}",
            input_data=f'{{"doctor_name": "Dr. Chaos", "patient_name": "Patient {name}", "features": [{FEATURES}]}}',
            output_data=f'{{"model": {{"name": "stub", "version": "1"}}, "number": {number}}}',
            predicted_at=datetime.now(UTC),
            latency_ms=1.0,
            model_name="stub",
            model_version="1",
            request_id=name,
            caller="",
        )
    )


if __name__ == "__main__":
    fill(int(sys.argv[1]))
