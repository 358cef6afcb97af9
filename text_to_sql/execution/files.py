"""A result as a file: CSV, NDJSON or Parquet, chosen by `format` or by `Accept`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from django.utils.module_loading import import_string

from common.exceptions import BadInput, FieldError
from common.export_formats import FORMS as FILE_FORMS
from common.export_formats import SPREADSHEET
from common.responses import NO_STORE
from text_to_sql.execution.result import Result

JSON = "json"
FORMS = (JSON, *FILE_FORMS)
_MEDIA = {name: form.media_type.partition(";")[0] for name, form in FILE_FORMS.items()}
MEDIA_TYPES = tuple(_MEDIA.values())
_NAMES = {media: name for name, media in _MEDIA.items()} | {
    "application/json": JSON,
    "application/*": JSON,
    "*/*": JSON,
}
_WRITERS = {
    "csv": "text_to_sql.execution.spreadsheet.written",
    "ndjson": "text_to_sql.execution.spreadsheet.lines",
    "parquet": "text_to_sql.execution.parquet.written",  # loaded on first use, because its library takes 50 MiB
}


@dataclass(frozen=True)
class Form:
    """What a caller wants: the name of a form, and options of CSV."""

    name: str
    options: Mapping[str, bool]


def form_name(value: str) -> str:
    """`value` if it names a form. Raises `ValueError` with a fix."""
    if value not in FORMS:
        raise ValueError(f"must be one of {', '.join(FORMS)}")
    return value


def chosen(query: Mapping[str, Any], accept: str) -> Form:
    """The form that a query and an Accept field ask for. Raises `BadInput`."""
    name = query.get("format") or preferred(accept)
    options = {option: True for option in SPREADSHEET if query.get(option)}
    if options and name != "csv":
        wrong = [FieldError(option, "can be used with the format csv only") for option in options]
        raise BadInput("The query can't be used; nothing ran.", field_errors=wrong)
    return Form(name, options)


def preferred(accept: str) -> str:
    """The form of the media type with the highest weight that is known, else JSON."""
    known = [(_weight(parameters), _NAMES[media]) for media, parameters in _media_ranges(accept) if media in _NAMES]
    return max(known, key=lambda each: each[0], default=(0.0, JSON))[1]


def response(result: Result, form: Form) -> HttpResponse:
    """The file as a response."""
    file = FILE_FORMS[form.name]
    content: bytes = import_string(_WRITERS[form.name])(result, **form.options)
    headers = {
        **NO_STORE,
        "Content-Disposition": f'attachment; filename="result-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{file.suffix}"',
        "X-Truncated": "1" if result.truncated else "0",
    }
    return HttpResponse(content, content_type=file.media_type, headers=headers)


def _media_ranges(accept: str) -> list[tuple[str, str]]:
    parts = (each.partition(";") for each in accept.split(","))
    return [(media.strip().lower(), parameters) for media, _, parameters in parts]


def _weight(parameters: str) -> float:
    """`q` of RFC 9110; 1 without one or with a bad one."""
    for each in parameters.split(";"):
        name, _, value = each.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 1.0
    return 1.0
