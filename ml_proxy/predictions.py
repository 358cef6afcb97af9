"""One prediction: check the body once, forward its bytes, record the answer, return it."""

import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from attachments import descriptors
from common import strict_json
from common.conf import settings
from common.exceptions import FieldError
from common.ids import uuid7
from common.problem_details import NotPermitted
from common.row_scope import Scope
from ml_proxy.exceptions import UpstreamNotJSON, UpstreamTooLarge
from ml_proxy.prediction_request import Subject, read_subject
from ml_proxy.records import InferenceRecord
from ml_proxy.upstream import Answer, forward
from ml_proxy.upstream.headers import decodable_encodings
from recording import recorder

NAMES_IN_ERROR = 5


@dataclass(frozen=True, kw_only=True)
class Call:
    """A caller's request: body and end-to-end header fields unchanged, with the request id and the caller's name.

    `doctors` are the doctors for whom the caller may predict.
    """

    body: bytes
    fields: Mapping[str, str]
    path: str
    query: str = ""
    request_id: str
    caller: str
    doctors: Scope


@dataclass(frozen=True)
class Outcome:
    """The model's answer. If it is a 2xx, `record` is its record and `contents` are the contents of its files."""

    answer: Answer
    record: InferenceRecord | None
    contents: tuple[bytes, ...] = ()


def predict(call: Call) -> Outcome:
    """Calls the model and records its answer.

    Raises `BadInput`, `NotPermitted`, `NoRoom`, `UpstreamError` or `NotRecorded`; in these cases there is no row.
    """
    subject = subject_of(call)
    with reserve_capacity(call, subject):
        outcome = call_model(call, subject, uuid7())
        if outcome.record is not None:
            recorder.record(outcome.record, outcome.contents)
    return outcome


def subject_of(call: Call) -> Subject:
    """Parses the body. Raises `BadInput`, or `NotPermitted` if the caller may not predict for this doctor."""
    subject = read_subject(call.fields.get("Content-Type", ""), call.body)
    if call.doctors is not None and subject.doctor_name not in call.doctors:
        raise _other_doctor(call.doctors)
    return subject


def _other_doctor(doctors: frozenset[str]) -> NotPermitted:
    allowed = ", ".join(sorted(doctors)[:NAMES_IN_ERROR]) + (", …" if len(doctors) > NAMES_IN_ERROR else "")
    return NotPermitted(
        f"You may predict for these doctors: {allowed or 'none; an administrator can name some'}.",
        field_errors=[FieldError("/doctor_name", "is not one of your doctors")],
    )


def reserve_capacity(call: Call, subject: Subject) -> recorder.CapacityReservation:
    """Reserves journal capacity for a call's record. Files are encoded in base64, which takes a third more."""
    size = len(call.body)
    return recorder.CapacityReservation(size + size // 3 if subject.parts else size)


def call_model(call: Call, subject: Subject, inference_id: UUID) -> Outcome:
    """Calls the model and builds the record, which the caller writes within its reservation. Raises `UpstreamError`."""
    fields = {**call.fields, "Accept-Encoding": decodable_encodings(call.fields.get("Accept-Encoding", ""))}
    answer = forward(
        "POST",
        "predict",
        fields={**fields, "X-Request-ID": call.request_id},
        body=call.body,
        query=call.query,
        total_seconds=settings.UPSTREAM_TOTAL_SECONDS,
    )
    record = _record(call, subject, inference_id, answer) if answer.is_success else None
    return Outcome(answer, record, tuple(part.data for part in subject.parts) if subject.parts else ())


def _record(call: Call, subject: Subject, inference_id: UUID, answer: Answer) -> InferenceRecord:
    text, model_name, model_version = _read_answer(answer)
    return InferenceRecord(
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
        files=descriptors.describe(inference_id, subject.parts) if subject.parts else "",
    )


def _read_answer(answer: Answer) -> tuple[str, str, str]:
    """Returns the answer's text, and the model name and version in it; blank if they are missing."""
    body = _decoded(answer)
    quick = strict_json.parse_fast(body)
    with suppress(TypeError, KeyError):
        name, version = quick["model"]["name"], quick["model"]["version"]
        if type(name) is type(version) is str:
            return body.decode(), name, version
    try:
        text = strict_json.decode(body)
        model = strict_json.member(strict_json.parse(text), "model")
    except strict_json.NotJSON as exc:
        raise UpstreamNotJSON(f"The model's answer can't be recorded because it is not JSON: {exc}.") from None
    name, version = (strict_json.member(model, member) for member in ("name", "version"))
    return text, name if isinstance(name, str) else "", version if isinstance(version, str) else ""


def _decoded(answer: Answer) -> bytes:
    coding = answer.field("content-encoding").strip().lower()
    if coding in {"", "identity"}:
        return answer.body
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise UpstreamNotJSON("The model's answer can't be recorded: its content coding is not supported.")
    return _inflated(answer.body, raw=coding == "deflate" and not _is_zlib(answer.body))


def _is_zlib(body: bytes) -> bool:
    """Whether the body has an RFC 1950 header; some servers send a raw RFC 1951 stream under the same name."""
    return body[:1] != b"" and body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0


def _inflated(body: bytes, *, raw: bool) -> bytes:
    """Decompresses gzip, zlib or raw deflate, up to the limit: a small answer may decompress into a huge one."""
    limit = settings.MAX_ANSWER_BYTES
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS | 32)
    try:
        decompressed = decompressor.decompress(body, limit + 1)
    except zlib.error:
        raise UpstreamNotJSON("The model's answer can't be recorded: its compressed data is corrupt.") from None
    if len(decompressed) > limit:
        raise UpstreamTooLarge(f"The model's answer decompresses to more than {limit} bytes (MAX_ANSWER_BYTES).")
    if not decompressor.eof or decompressor.unused_data:
        raise UpstreamNotJSON(
            "The model's answer can't be recorded: its compressed data is truncated or has trailing bytes."
        )
    return decompressed


def _model_text(value: str) -> str:
    """Returns a model's name or version in a form that the table can store."""
    return value.encode("utf-8", "replace").decode().replace("\0", "")[: InferenceRecord.MAX_LENGTHS["model_name"]]
