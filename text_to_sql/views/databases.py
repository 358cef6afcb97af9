"""`/ddp/db`: registered databases."""

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from common.query_params import refuse_parameters
from common.responses import json_response
from text_to_sql import bodies, registration
from text_to_sql.catalogue import registered
from text_to_sql.models import Database
from text_to_sql.permissions import CHANGE_DATABASES, DELETE_DATABASES, READ_DATABASES, REGISTER
from text_to_sql.serializers import LIST_SCHEMA, DatabaseRequest


class Databases(APIView):
    """All databases."""

    needs: ClassVar = {"GET": READ_DATABASES, "HEAD": READ_DATABASES, "POST": REGISTER}

    @extend_schema(
        operation_id="list_databases",
        summary="Registered databases",
        responses={(200, "application/json"): LIST_SCHEMA},
    )
    def get(self, request: Request) -> HttpResponse:
        """Lists them by id, without passwords."""
        refuse_parameters(request)
        return json_response([registration.described(each) for each in Database.objects.order_by("id")])

    @extend_schema(
        operation_id="register_database",
        summary="Register a database",
        description=(
            "Connects first. The password is stored encrypted and never shown again. `warnings` says if the role may "
            "do more than read, and `read_only_role` how to make one that may not."
        ),
        request=DatabaseRequest,
        responses={(201, "application/json"): OpenApiTypes.OBJECT},
    )
    def post(self, request: Request) -> HttpResponse:
        """Registers one."""
        refuse_parameters(request)
        return json_response(registration.register(bodies.read(request, DatabaseRequest)), status=201)


class OneDatabase(APIView):
    """One database."""

    needs: ClassVar[dict[str, str]] = {
        "GET": READ_DATABASES,
        "HEAD": READ_DATABASES,
        "PUT": CHANGE_DATABASES,
        "DELETE": DELETE_DATABASES,
    }

    @extend_schema(operation_id="get_database", summary="One database", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, database_id: int) -> HttpResponse:
        """Returns it, without its password."""
        return json_response(registration.described(registered(database_id)))

    @extend_schema(
        operation_id="change_database",
        summary="Change a database",
        description="Members that are missing stay as they are.",
        request=DatabaseRequest(partial=True),
        responses=OpenApiTypes.OBJECT,
    )
    def put(self, request: Request, database_id: int) -> HttpResponse:
        """Changes it; a new `connection_info` is verified first."""
        values: dict[str, Any] = bodies.read(request, DatabaseRequest, partial=True)
        return json_response(registration.change(registered(database_id), values))

    @extend_schema(operation_id="forget_database", summary="Forget a database", responses={204: None})
    def delete(self, request: Request, database_id: int) -> HttpResponse:
        """Forgets it and what is known of its tables. The log of executions stays."""
        registered(database_id).delete()
        return HttpResponse(status=204)
