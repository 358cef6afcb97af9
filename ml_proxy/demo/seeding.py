"""Demonstration rows: invented visits combined with real exchanges with the model, written in batches."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from django.db import reset_queries

from common.ids import uuid7
from ml_proxy.demo.answers import CannotSeed, Exchange
from ml_proxy.demo.hours import OpeningHours
from ml_proxy.demo.people import invent
from ml_proxy.records import InferenceRecord
from recording.direct_writes import DirectOrigins
from recording.seals import keyring

CALLER = "seed_demo"
BATCH = 500  # rows of one transaction
MAX_EXCHANGES = 300
MAX_DOCTORS, MAX_PATIENTS = 24, 5000  # all names are kept in memory
ROWS_PER_DOCTOR, ROWS_PER_PATIENT = 20, 4
SAME_DOCTOR_RATE = 0.9  # how often a patient sees the usual doctor
MAX_DAYS = 3650


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The parameters. The same `seed`, `rows` and model produce the same people and inputs, in the same order."""

    rows: int
    days: int
    seed: int

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise CannotSeed("--rows must be 1 or more.")
        if not 1 <= self.days <= MAX_DAYS:
            raise CannotSeed(f"--days must be from 1 to {MAX_DAYS}.")

    @property
    def exchanges(self) -> int:
        """How many exchanges with the model to request."""
        return min(self.rows, MAX_EXCHANGES)

    def randomness(self, purpose: str) -> random.Random:
        """Returns a separate generator for each purpose, so that they do not influence each other."""
        return random.Random(f"{self.seed} {purpose}")  # noqa: S311 - not used for security


def write(plan: Plan, pool: Sequence[Exchange]) -> Iterator[int]:
    """Writes the plan's rows, oldest first, and yields each batch's size once it is committed.

    Raises Django's database errors. Only whole batches are committed, even after an interrupt.
    """
    records, direct = _records(plan, pool), DirectOrigins(keyring().current)
    while batch := list(islice(records, BATCH)):
        direct.write(batch)
        reset_queries()  # in DEBUG mode, Django would keep the text of all queries
        yield len(batch)
    direct.end()


def _records(plan: Plan, pool: Sequence[Exchange]) -> Iterator[InferenceRecord]:
    rng, people = plan.randomness("rows"), plan.randomness("people")
    doctors = invent(min(MAX_DOCTORS, plan.rows // ROWS_PER_DOCTOR + 1), people)
    patients = invent(min(MAX_PATIENTS, plan.rows // ROWS_PER_PATIENT + 1), people)
    hours = OpeningHours(days=plan.days, until=datetime.now(UTC))
    for row in range(plan.rows):
        patient = rng.randrange(len(patients))
        doctor = patient % len(doctors) if rng.random() < SAME_DOCTOR_RATE else rng.randrange(len(doctors))
        moment = hours.at((row + rng.random()) / plan.rows)
        yield _record(doctors[doctor], patients[patient], moment, rng.choice(pool))


def _record(doctor: str, patient: str, moment: datetime, exchange: Exchange) -> InferenceRecord:
    return InferenceRecord(
        id=uuid7(moment),
        doctor_name=doctor,
        patient_name=patient,
        input_data=with_people(exchange.input, doctor, patient),
        output_data=exchange.output,
        predicted_at=moment,
        latency_ms=exchange.latency_ms,
        model_name=exchange.model_name,
        model_version=exchange.model_version,
        request_id=str(uuid7(moment)),
        caller=CALLER,
    )


def with_people(features: str, doctor: str, patient: str) -> str:
    """Builds a request body. Inserts the features as text: encoding them again would dominate the cost of a row."""
    people = json.dumps({"doctor_name": doctor, "patient_name": patient}, ensure_ascii=False)
    return people if features == "{}" else f"{people[:-1]}, {features[1:]}"
