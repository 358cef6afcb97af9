"""Synthetic rows over several years: a few doctors have very many, most patients have few.

The same number gives the same row, except the ends of ids, which are random like the product's own.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from common.ids import uuid7
from ml_proxy.demo.people import invent
from ml_proxy.demo.seeding import with_people
from ml_proxy.records import InferenceRecord

SEED = 7
BEGIN = datetime(2021, 1, 1, tzinfo=UTC)
APART = timedelta(days=5 * 365.25) / 5_000_000  # five million rows are five years
DOCTORS, PATIENTS, EXCHANGES = 400, 200_000, 500
NUMBERS = 83  # of an input: about 670 bytes with the names


@dataclass(frozen=True)
class People:
    """All names, and the relative frequency of each doctor, most frequent first."""

    doctors: list[str]
    patients: list[str]
    shares: list[float]


@lru_cache(maxsize=1)
def people() -> People:
    """Returns all people. A number distinguishes people with the same name."""
    rng = random.Random(f"{SEED} people")
    doctors = [f"Dr. {name} {number}" for number, name in enumerate(invent(DOCTORS, rng))]
    patients = [f"{name} {number}" for number, name in enumerate(invent(PATIENTS, rng))]
    return People(doctors, patients, [1 / rank**1.2 for rank in range(1, DOCTORS + 1)])


@lru_cache(maxsize=1)
def exchanges() -> list[tuple[str, str]]:
    """Returns inputs without names, and answers; both are JSON texts."""
    rng = random.Random(f"{SEED} exchanges")
    return [(_input(rng), _answer(rng)) for _ in range(EXCHANGES)]


def records(first: int, count: int, *, begin: datetime = BEGIN, apart: timedelta = APART) -> Iterator[InferenceRecord]:
    """Yields rows `first` to `first + count - 1`, oldest first."""
    rng, names = random.Random(f"{SEED} {first}"), people()
    doctors = rng.choices(names.doctors, names.shares, k=count)
    for number, doctor in enumerate(doctors, start=first):
        # Because of the square, some patients have thousands of rows, and half of them fewer than twenty.
        patient = names.patients[int(PATIENTS * rng.random() ** 2)]
        moment = begin + apart * (number + rng.random())
        features, answer = rng.choice(exchanges())
        yield InferenceRecord(
            id=uuid7(moment - timedelta(milliseconds=5)),
            doctor_name=doctor,
            patient_name=patient,
            input_data=with_people(features, doctor, patient),
            output_data=answer,
            predicted_at=moment,
            latency_ms=rng.lognormvariate(1, 0.5),
            model_name="synthetic",
            model_version=str(number // 1_000_000 + 1),
            request_id=str(uuid7(moment)),
            caller="scale",
        )


def _input(rng: random.Random) -> str:
    return json.dumps({"features": [round(rng.uniform(10, 99), 2) for _ in range(NUMBERS)]})


def _answer(rng: random.Random) -> str:
    sure = round(rng.uniform(0.5, 1), 6)
    predictions = [
        {"label": label, "confidence": confidence, "threshold": 0.5, "rank": rank}
        for rank, (label, confidence) in enumerate((("benign", sure), ("malignant", round(1 - sure, 6))), start=1)
    ]
    return json.dumps({"model": {"name": "synthetic", "version": "1"}, "predictions": predictions})
