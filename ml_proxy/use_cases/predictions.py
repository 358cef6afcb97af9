"""One prediction: check the body once, forward its bytes, record, answer."""

import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from ml_proxy import files, names, strict_json, upstream
from ml_proxy.conf import settings
from ml_proxy.exceptions import BadInput, Fault, UpstreamNotJSON, UpstreamTooLarge
from ml_proxy.files import WHOLE, Part
from ml_proxy.ids import uuid7
from ml_proxy.records import MOST_CHARACTERS, Record
from ml_proxy.upstream import Answer
from ml_proxy.upstream.headers import unpackable
from ml_proxy.use_cases import recording
from ml_proxy.use_cases.bodies import read_object

PEOPLE = ("doctor_name", "patient_name")


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a caller asked: body and end-to-end fields as they came, and who asked under which request id."""

    body: bytes
    fields: Mapping[str, str]
    query: str = ""
    request_id: str
    caller: str


@dataclass(frozen=True)
class Outcome:
    """The model's answer; `record` where it was a 2xx, and so has a row, with the contents of its files."""

    answer: Answer
    record: Record | None
    contents: tuple[bytes, ...] = ()


class Subject(NamedTuple):
    """Who a prediction is by and about, in canonical form; the input as text, and what of it goes to the storage."""

    doctor_name: str
    patient_name: str
    text: str
    parts: tuple[Part, ...] = ()


def predict(call: Call) -> Outcome:
    """Asks the model and records its answer.

    Raises `BadInput`, `NoRoom`, `UpstreamError` or `NotRecorded`; then there is no row.
    """
    subject = read_subject(call.body)
    with room(call, subject):
        outcome = ask(call, subject, uuid7())
        if outcome.record is not None:
            recording.record(outcome.record, outcome.contents)
    return outcome


def room(call: Call, subject: Subject) -> recording.Room:
    """For the record of a call; files travel in base64, which takes a third more."""
    size = len(call.body)
    return recording.Room(size + size // 3 if subject.parts else size)


def ask(call: Call, subject: Subject, inference_id: UUID) -> Outcome:
    """Asks the model and makes the record; the caller holds room for it, and keeps it. Raises `UpstreamError`."""
    fields = {**call.fields, "Accept-Encoding": unpackable(call.fields.get("Accept-Encoding", ""))}
    answer = upstream.forward(
        "POST",
        "predict",
        fields={**fields, "X-Request-ID": call.request_id},
        body=call.body,
        query=call.query,
        total_seconds=settings.UPSTREAM_TOTAL_SECONDS,
    )
    record = _record(call, subject, inference_id, answer) if answer.is_success else None
    return Outcome(answer, record, tuple(part.data for part in subject.parts))


def read_subject(body: bytes) -> Subject:
    """The names in a request body, which must be a JSON object. Raises `BadInput` with all that is wrong."""
    value = strict_json.glance(body, *PEOPLE)
    with suppress(TypeError, KeyError, names.BadName):
        doctor, patient = (names.canonical(value[member]) for member in PEOPLE)
        return filed(doctor, patient, body)
    _, value = read_object(body)
    faults: list[Fault] = []
    doctor, patient = (_name(value, member, faults) for member in PEOPLE)
    if faults:
        raise BadInput("The body needs doctor_name and patient_name, each once.", faults=faults)
    return filed(doctor, patient, body)


def filed(doctor: str, patient: str, body: bytes, parts: tuple[Part, ...] = ()) -> Subject:
    """The subject of an input in JSON, which goes to the storage where it is large; `parts` of it go there anyway."""
    if len(body) <= settings.INLINE_MAX_BYTES:
        return Subject(doctor, patient, body.decode(), parts)
    text = orjson.dumps(dict(zip(PEOPLE, (doctor, patient), strict=True))).decode()
    return Subject(doctor, patient, text, (Part(WHOLE, "body.json", "application/json", body), *parts))


def _name(pairs: Any, member: str, faults: list[Fault]) -> str:
    given = [value for name, value in pairs if name == member]
    try:
        if len(given) != 1:
            raise names.BadName("is missing" if not given else "must be given once")
        return names.canonical(given[0])
    except names.BadName as exc:
        faults.append(Fault(f"/{member}", str(exc)))
        return ""


def _record(call: Call, subject: Subject, inference_id: UUID, answer: Answer) -> Record:
    text, model_name, model_version = _read_answer(answer)
    return Record(
        id=inference_id,
        doctor_name=subject.doctor_name,
        patient_name=subject.patient_name,
        input_data=subject.text,
        output_data=text,
        predicted_at=datetime.now(UTC),
        latency_ms=answer.latency_ms,
        model_name=_model_text(model_name),
        model_version=_model_text(model_version),
        request_id=call.request_id,
        caller=call.caller,
        files=files.describe(inference_id, subject.parts) if subject.parts else "",
    )


def _read_answer(answer: Answer) -> tuple[str, str, str]:
    """Its text, and the model's name and version in it as they were written; blank where it has none."""
    body = _unpacked(answer)
    quick = strict_json.glance(body)
    with suppress(TypeError, KeyError):
        name, version = quick["model"]["name"], quick["model"]["version"]
        if type(name) is type(version) is str:
            return body.decode(), name, version
    try:
        text = strict_json.decode(body)
        model = strict_json.member(strict_json.parse(text), "model")
    except strict_json.NotJSON as exc:
        raise UpstreamNotJSON(f"The model's answer can't be recorded, it is not JSON: {exc}.") from None
    name, version = (strict_json.member(model, member) for member in ("name", "version"))
    return text, name if isinstance(name, str) else "", version if isinstance(version, str) else ""


def _unpacked(answer: Answer) -> bytes:
    coding = answer.field("content-encoding").strip().lower()
    if coding in {"", "identity"}:
        return answer.body
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise UpstreamNotJSON("The model's answer can't be recorded: its content coding is unknown here.")
    return _inflated(answer.body, raw=coding == "deflate" and not _is_zlib(answer.body))


def _is_zlib(body: bytes) -> bool:
    """Whether it starts as RFC 1950 says; some servers send the bare stream of RFC 1951 under the same name."""
    return body[:1] != b"" and body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0


def _inflated(body: bytes, *, raw: bool) -> bytes:
    """Undoes gzip, zlib or bare deflate, up to the cap: a small answer may unpack into a huge one."""
    cap = settings.MAX_ANSWER_BYTES
    engine = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS | 32)
    try:
        found = engine.decompress(body, cap + 1)
    except zlib.error:
        raise UpstreamNotJSON("The model's answer can't be recorded: its content coding is broken.") from None
    if len(found) > cap:
        raise UpstreamTooLarge(f"The model's answer unpacks to more than {cap} bytes (MAX_ANSWER_BYTES).")
    if not engine.eof or engine.unused_data:
        raise UpstreamNotJSON("The model's answer can't be recorded: its content coding does not end where it ends.")
    return found


def _model_text(value: str) -> str:
    """A model's name or version as the table can hold it."""
    return value.encode("utf-8", "replace").decode().replace("\0", "")[: MOST_CHARACTERS["model_name"]]
