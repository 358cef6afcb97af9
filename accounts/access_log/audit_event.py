"""An entry of the access log as a FHIR R4 AuditEvent: https://hl7.org/fhir/R4/auditevent.html.

Codes come from the value sets of that page: DICOM's (DCM), audit-event-type, restful-interaction, object-role.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, NamedTuple

from accounts.access_log.source import AccessRow

HL7 = "http://terminology.hl7.org/CodeSystem"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
INTERACTIONS = "http://hl7.org/fhir/restful-interaction"
ACTIONS = "urn:ml-proxy:access-action"
SERIOUS, MINOR, SUCCESS = "8", "4", "0"
IP_ADDRESS = "2"


class Coding(NamedTuple):
    """A code of a code system."""

    system: str
    code: str
    display: str


class Kind(NamedTuple):
    """What an action is in FHIR: the event's type and subtype, and one of the actions C, R, U, D and E."""

    type: Coding
    subtype: Coding | None
    action: str


_PATIENT_RECORD = Coding(DICOM, "110110", "Patient Record")
_EXPORT = Kind(Coding(DICOM, "110106", "Export"), None, "R")
_REST = Coding(f"{HL7}/audit-event-type", "rest", "RESTful Operation")
_SIGN_IN = Coding(DICOM, "110114", "User Authentication")
_RIGHTS = Coding(DICOM, "110113", "Security Alert")
_ATTRIBUTES = Coding(DICOM, "110137", "User Security Attributes Changed")

_KINDS = {
    "list": Kind(Coding(DICOM, "110112", "Query"), Coding(INTERACTIONS, "search-type", "search-type"), "E"),
    "read": Kind(_PATIENT_RECORD, Coding(INTERACTIONS, "read", "read"), "R"),
    "create": Kind(_PATIENT_RECORD, Coding(INTERACTIONS, "create", "create"), "C"),
    "export": _EXPORT,
    "export-part": _EXPORT,
    "export-end": _EXPORT,
    "sign-in": Kind(_SIGN_IN, Coding(DICOM, "110122", "Login"), "E"),
    "sign-in-failed": Kind(_SIGN_IN, Coding(DICOM, "110122", "Login"), "E"),
    "sign-out": Kind(_SIGN_IN, Coding(DICOM, "110123", "Logout"), "E"),
    "rights.create": Kind(_RIGHTS, _ATTRIBUTES, "C"),
    "rights.change": Kind(_RIGHTS, _ATTRIBUTES, "U"),
    "rights.delete": Kind(_RIGHTS, _ATTRIBUTES, "D"),
}
_OTHER = Kind(_REST, Coding(INTERACTIONS, "operation", "operation"), "E")  # a failed prediction, a promotion, …


def audit_event(row: AccessRow) -> dict[str, Any]:
    """The resource, as JSON members for `as_json`."""
    kind = _KINDS.get(row.action) or _KINDS.get(row.action.rpartition(".")[2], _OTHER)
    subtypes = [_coded(kind.subtype)] if kind.subtype else []
    event = {
        "resourceType": "AuditEvent",
        "id": str(row.id),
        "type": _coded(kind.type),
        "subtype": [*subtypes, {"system": ACTIONS, "code": row.action}],
        "action": kind.action,
        "recorded": row.recorded_at,
        "outcome": SUCCESS if row.status < 400 else MINOR if row.status < 500 else SERIOUS,
        "outcomeDesc": row.detail,
        "purposeOfEvent": [{"text": row.purpose}] if row.purpose else [],
        "agent": [_agent(row)],
        "source": {
            "observer": {"display": "ML Proxy"},
            "type": [_coded(Coding(f"{HL7}/security-source-type", "4", "Application Server"))],
        },
        "entity": [*_people(row), *_query(row)],
    }
    return {name: value for name, value in event.items() if value not in ("", [])}


def _agent(row: AccessRow) -> dict[str, Any]:
    """Who did it. FHIR asks for a text where nobody signed in."""
    agent: dict[str, Any] = {"requestor": True, "who": {"display": row.account or "anonymous"}}
    if row.account:
        agent["who"]["identifier"] = {"value": row.account}
    if row.token_id:
        agent["altId"] = row.token_id
    if row.address:
        agent["network"] = {"address": row.address, "type": IP_ADDRESS}
    return agent


def _people(row: AccessRow) -> Iterator[dict[str, Any]]:
    person = Coding(f"{HL7}/audit-entity-type", "1", "Person")
    roles = (
        (row.patients, Coding(f"{HL7}/object-role", "1", "Patient")),
        (row.doctors, Coding(f"{HL7}/object-role", "15", "Practitioner")),
    )
    for names, role in roles:
        for name in json.loads(names):
            who = {"identifier": {"value": name}, "display": name}
            yield {"what": who, "type": _coded(person), "role": _coded(role)}


def _query(row: AccessRow) -> Iterator[dict[str, Any]]:
    """What was asked for, with route and request id, and the number of rows."""
    yield {
        "type": _coded(Coding(f"{HL7}/audit-entity-type", "2", "System Object")),
        "role": _coded(Coding(f"{HL7}/object-role", "24", "Query")),
        "query": b64encode(row.filters.encode()).decode(),
        "detail": [
            {"type": name, "valueString": value}
            for name, value in (
                ("method", row.method),
                ("route", row.route),
                ("request_id", row.request_id),
                ("rows", str(row.row_count)),
            )
            if value
        ],
    }


def _coded(coding: Coding) -> dict[str, str]:
    return coding._asdict()
