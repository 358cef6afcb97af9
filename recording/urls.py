"""The paths of a record source: `{prefix}`, `{prefix}export/` and `{prefix}{id}/`, described for OpenAPI."""

from typing import Any

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view

from common.file_response import file_answers, file_fields
from common.query_params import LIMIT_SCHEMA
from common.schemas import SPAN_FIELDS, sent_field
from recording.history import History
from recording.row_schema import row_schema
from recording.sources import RecordSource
from recording.views import SourceExport, SourceHistory, SourceRow


def paths(source: RecordSource, prefix: str) -> list[URLPattern]:
    """The source's paths, below `prefix`."""
    name = source.name.replace(".", "_")
    return [
        path(prefix, _history(source, name), name=f"{name}-history"),
        path(f"{prefix}export/", _export(source, name), name=f"{name}-export"),
        path(f"{prefix}<id:row_id>/", _row(source, name), name=f"{name}-row"),
    ]


def _history(source: RecordSource, name: str) -> Any:
    described = extend_schema(
        operation_id=f"list_{name}",
        summary="Rows, newest first",
        description="The Link field, rel=next, names the next page. An unknown parameter is a 400.",
        parameters=[
            *_filters(source),
            OpenApiParameter("limit", LIMIT_SCHEMA, description="Rows of a page, which also ends at 8 MiB."),
            OpenApiParameter("cursor", str, description="Opaque, from the Link field."),
            sent_field("Link", "The next page, rel=next, if there is one.", 200),
        ],
        responses={(200, "application/json"): {"type": "array", "items": row_schema(source)}},
    )
    return _view(SourceHistory, source, described)


def _row(source: RecordSource, name: str) -> Any:
    schema = {(200, "application/json"): row_schema(source)}
    described = extend_schema(operation_id=f"get_{name}", summary="One row", responses=schema)
    return _view(SourceRow, source, described)


def _export(source: RecordSource, name: str) -> Any:
    described = extend_schema(
        operation_id=f"export_{name}",
        summary="All rows that match, newest first, as one file",
        description="Streamed, with history's columns. An unknown parameter is a 400.",
        parameters=[*file_fields(), *_filters(source)],
        responses=file_answers(),
    )
    return _view(SourceExport, source, described)


def _view(base: Any, source: RecordSource, described: Any) -> Any:
    members = {"source": source, "history": History(source)}
    view: Any = extend_schema_view(get=described)(type(base.__name__, (base,), members))
    return view.as_view()


def _filters(source: RecordSource) -> list[OpenApiParameter]:
    exact = [OpenApiParameter(name, str, description="Exact. Blank is as good as none.") for name in source.filters]
    return [*exact, *SPAN_FIELDS]
