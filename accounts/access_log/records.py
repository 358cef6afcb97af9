"""The record of one access."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from recording.records import BadRecord, SealableRecord

MAX_SUBJECTS = 1000  # patients, and doctors, of one record; a look at more makes several records


@dataclass(frozen=True, kw_only=True)
class AccessRecord(SealableRecord):
    """The sealed content of one row of `AccessLog`.

    `filters` is a JSON object, `patients` and `doctors` are JSON arrays of names. `purpose` is what the caller gave in
    `X-Purpose`; `detail` says why it failed, or what was changed.
    """

    SOURCE = "accounts.access"
    SEALED: ClassVar[Mapping[int, tuple[str, ...]]] = {
        1: (
            "id",
            "recorded_at",
            "account",
            "token_id",
            "address",
            "method",
            "route",
            "action",
            "filters",
            "row_count",
            "patients",
            "doctors",
            "purpose",
            "status",
            "detail",
            "request_id",
        )
    }
    MAX_LENGTHS: ClassVar[Mapping[str, int]] = {
        "account": 150,
        "token_id": 64,
        "address": 45,
        "method": 10,
        "route": 200,
        "action": 60,
        "purpose": 200,
        "detail": 500,
        "request_id": 128,
    }

    recorded_at: datetime
    account: str
    token_id: str
    address: str
    method: str
    route: str
    action: str
    filters: str
    row_count: int
    patients: str
    doctors: str
    purpose: str
    status: int
    detail: str
    request_id: str

    def __post_init__(self) -> None:
        """Raises `BadRecord` if the lists of people can't be parsed."""
        names_in(self.patients)
        names_in(self.doctors)


def names_in(text: str) -> list[str]:
    """The names in a JSON array. Raises `BadRecord`."""
    try:
        names = json.loads(text)
    except ValueError:
        raise BadRecord("a list of people can't be parsed") from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadRecord("a list of people is not one")
    return names
