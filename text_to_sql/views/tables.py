"""`/ddp/…/table` and `/ddp/column`: what is known of a database's tables."""

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from common.exceptions import NoSuchRecord
from common.responses import json_response
from text_to_sql import bodies, metadata
from text_to_sql.catalogue import registered
from text_to_sql.models import Column, Table
from text_to_sql.permissions import CHANGE_DATABASES, READ_DATABASES
from text_to_sql.serializers import LIST_SCHEMA, TablesRequest, WrittenRequest


class Extraction(APIView):
    """The tables as they are now."""

    needs: ClassVar = {"POST": CHANGE_DATABASES}

    @extend_schema(
        operation_id="extract_tables",
        summary="Read the tables from the database",
        description=(
            "Stores nothing: send the answer, edited or not, to `POST /ddp/db/{id}/table`. It contains what people "
            "wrote before, `removed` tables, and `changes` since the last time."
        ),
        request=None,
        responses=OpenApiTypes.OBJECT,
    )
    def post(self, request: Request, database_id: int) -> HttpResponse:
        """Reads them."""
        from text_to_sql import extraction  # noqa: PLC0415 - SQLAlchemy is loaded only if tables are read: 40 MB

        database = registered(database_id)
        return json_response(metadata.merged(database, extraction.extract(database.info, database.schema)))


class Tables(APIView):
    """The stored tables of a database."""

    needs: ClassVar = {"GET": READ_DATABASES, "HEAD": READ_DATABASES, "POST": CHANGE_DATABASES}

    @extend_schema(
        operation_id="list_tables", summary="Stored tables", responses={(200, "application/json"): LIST_SCHEMA}
    )
    def get(self, request: Request, database_id: int) -> HttpResponse:
        """Lists them with their columns."""
        return json_response(metadata.described(registered(database_id)))

    @extend_schema(
        operation_id="save_tables",
        summary="Store tables",
        request=TablesRequest,
        responses={(201, "application/json"): LIST_SCHEMA},
    )
    def post(self, request: Request, database_id: int) -> HttpResponse:
        """Stores them, and returns all tables."""
        database = registered(database_id)
        values = bodies.read(request, TablesRequest)
        metadata.save(database, values["tables"], values["removed"])
        return json_response(metadata.described(database), status=201)


class OneTable(APIView):
    """One table."""

    needs: ClassVar = {"GET": READ_DATABASES, "HEAD": READ_DATABASES, "PUT": CHANGE_DATABASES}

    @extend_schema(operation_id="get_table", summary="One table", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, table_id: int) -> HttpResponse:
        """Returns it with its columns."""
        return json_response(metadata.described_table(_one(Table, table_id)))

    @extend_schema(
        operation_id="describe_table",
        summary="Describe, name or hide a table",
        request=WrittenRequest,
        responses=OpenApiTypes.OBJECT,
    )
    def put(self, request: Request, table_id: int) -> HttpResponse:
        """Stores what the caller wrote."""
        table = _one(Table, table_id)
        metadata.write(table, bodies.read(request, WrittenRequest))
        return json_response(metadata.described_table(table))


class OneColumn(APIView):
    """One column."""

    needs: ClassVar = {"GET": READ_DATABASES, "HEAD": READ_DATABASES, "PUT": CHANGE_DATABASES}

    @extend_schema(operation_id="get_column", summary="One column", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, column_id: int) -> HttpResponse:
        """Returns it."""
        return json_response(metadata.described_column(_one(Column, column_id)))

    @extend_schema(
        operation_id="describe_column",
        summary="Describe, name or hide a column",
        request=WrittenRequest,
        responses=OpenApiTypes.OBJECT,
    )
    def put(self, request: Request, column_id: int) -> HttpResponse:
        """Stores what the caller wrote."""
        column = _one(Column, column_id)
        metadata.write(column, bodies.read(request, WrittenRequest))
        return json_response(metadata.described_column(column))


def _one(model: Any, item_id: int) -> Any:
    found = model.objects.filter(pk=item_id).first()
    if found is None:
        raise NoSuchRecord(f"No {model._meta.verbose_name} has this id.")  # noqa: SLF001 - Django documents _meta
    return found
