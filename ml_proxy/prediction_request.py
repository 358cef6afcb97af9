"""Parses a prediction's body once, from JSON or a form: the two names, and the input as the log stores it."""

import threading
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
import orjson

from attachments.descriptors import WHOLE, Part
from common import person_names, strict_json
from common.conf import settings
from common.exceptions import BadInput, FieldError
from common.json_body import read_object
from common.multipart import read as read_form
from ml_proxy import multipart

PEOPLE = ("doctor_name", "patient_name")
LARGE_BYTES = 1024 * 1024
_PEOPLE = msgspec.json.Decoder(msgspec.defstruct("People", [(name, str) for name in PEOPLE]))
_one_large_body = threading.Lock()  # only one is parsed strictly at a time


class Subject(NamedTuple):
    """The names in canonical form and the input as JSON; `text` goes into the row, `parts` into the storage."""

    doctor_name: str
    patient_name: str
    input: bytes
    text: str
    parts: tuple[Part, ...] = ()


def is_form(content_type: str) -> bool:
    """Whether the body is a form. Other bodies are JSON."""
    return content_type[:10].lower() == "multipart/"


def read_subject(content_type: str, body: bytes) -> Subject:
    """Parses a body, which must be a JSON object or a form. Raises `BadInput` with all errors."""
    if is_form(content_type):
        return _from_form(read_form(content_type, body))
    if len(body) > LARGE_BYTES:
        return _from_large_json(body)
    value = strict_json.parse_fast(body, *PEOPLE)
    with suppress(TypeError, KeyError, person_names.BadName):
        doctor, patient = (person_names.canonical(value[member]) for member in PEOPLE)
        return _subject(doctor, patient, body)
    return _from_strict_json(body)


def _from_large_json(body: bytes) -> Subject:
    """As for a small body, but the parsed values are not built: they take up to 30 times the memory of their text."""
    people = strict_json.parse_members(body, _PEOPLE, *PEOPLE)
    with suppress(AttributeError, person_names.BadName):
        doctor, patient = (person_names.canonical(getattr(people, member)) for member in PEOPLE)
        return _subject(doctor, patient, body)
    with _one_large_body:
        return _from_strict_json(body)


def _from_strict_json(body: bytes) -> Subject:
    doctor, patient = _people(read_object(body)[1])
    return _subject(doctor, patient, body)


def _from_form(fields: list[tuple[str, Any]]) -> Subject:
    doctor, patient = _people(fields)
    return _subject(doctor, patient, *multipart.as_json(fields))


def _subject(doctor: str, patient: str, body: bytes, parts: tuple[Part, ...] = ()) -> Subject:
    """Form files go to the storage; so does the whole input if it is larger than INLINE_MAX_BYTES."""
    if len(body) <= settings.INLINE_MAX_BYTES:
        return Subject(doctor, patient, body, body.decode(), parts)
    text = orjson.dumps(dict(zip(PEOPLE, (doctor, patient), strict=True))).decode()
    return Subject(doctor, patient, body, text, (Part(WHOLE, "body.json", "application/json", body), *parts))


def _people(pairs: Any) -> tuple[str, str]:
    """Raises `BadInput`."""
    errors: list[FieldError] = []
    doctor, patient = (_name(pairs, member, errors) for member in PEOPLE)
    if errors:
        raise BadInput("The body needs doctor_name and patient_name, each once.", field_errors=errors)
    return doctor, patient


def _name(pairs: Any, member: str, errors: list[FieldError]) -> str:
    values = [value for name, value in pairs if name == member]
    try:
        if len(values) != 1:
            raise person_names.BadName("is missing" if not values else "must be given once")
        return person_names.canonical(values[0])
    except person_names.BadName as exc:
        errors.append(FieldError(f"/{member}", str(exc)))
        return ""
