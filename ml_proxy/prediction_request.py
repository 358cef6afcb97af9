"""Who a prediction is by and about, and what the log keeps of its input: read once, from JSON or from a form."""

from contextlib import suppress
from typing import Any, NamedTuple

import orjson

from attachments.descriptors import WHOLE, Part
from common import person_names, strict_json
from common.conf import settings
from common.exceptions import BadInput, FieldError
from common.json_body import read_object
from ml_proxy import multipart

PEOPLE = ("doctor_name", "patient_name")


class Subject(NamedTuple):
    """The names in canonical form; the input as JSON; the row's text for it, and what of it goes to the storage."""

    doctor_name: str
    patient_name: str
    input: bytes
    text: str
    parts: tuple[Part, ...] = ()


def read_subject(content_type: str, body: bytes) -> Subject:
    """The names in a body, which must be a JSON object or a form. Raises `BadInput` with all that is wrong."""
    if content_type[:10].lower() == "multipart/":
        return _of_form(multipart.read(content_type, body))
    value = strict_json.glance(body, *PEOPLE)
    with suppress(TypeError, KeyError, person_names.BadName):
        doctor, patient = (person_names.canonical(value[member]) for member in PEOPLE)
        return _subject(doctor, patient, body)
    doctor, patient = _people(read_object(body)[1])
    return _subject(doctor, patient, body)


def _of_form(given: list[tuple[str, Any]]) -> Subject:
    doctor, patient = _people(given)
    return _subject(doctor, patient, *multipart.as_json(given))


def _subject(doctor: str, patient: str, given: bytes, parts: tuple[Part, ...] = ()) -> Subject:
    """Files of a form go to the storage, and so does all of an input that is large."""
    if len(given) <= settings.INLINE_MAX_BYTES:
        return Subject(doctor, patient, given, given.decode(), parts)
    text = orjson.dumps(dict(zip(PEOPLE, (doctor, patient), strict=True))).decode()
    return Subject(doctor, patient, given, text, (Part(WHOLE, "body.json", "application/json", given), *parts))


def _people(pairs: Any) -> tuple[str, str]:
    """Raises `BadInput`."""
    faults: list[FieldError] = []
    doctor, patient = (_name(pairs, member, faults) for member in PEOPLE)
    if faults:
        raise BadInput("The body needs doctor_name and patient_name, each once.", field_errors=faults)
    return doctor, patient


def _name(pairs: Any, member: str, faults: list[FieldError]) -> str:
    given = [value for name, value in pairs if name == member]
    try:
        if len(given) != 1:
            raise person_names.BadName("is missing" if not given else "must be given once")
        return person_names.canonical(given[0])
    except person_names.BadName as exc:
        faults.append(FieldError(f"/{member}", str(exc)))
        return ""
