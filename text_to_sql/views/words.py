"""`/ddp/…/synonym` and `/ddp/…/example`: other words, and questions with their verified SQL."""

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView

from common.exceptions import NoSuchRecord
from common.responses import json_response
from text_to_sql import bodies, questions
from text_to_sql.catalogue import catalogue_of, registered
from text_to_sql.models import Database, Example, Synonym
from text_to_sql.permissions import CHANGE_DATABASES, READ_DATABASES
from text_to_sql.serializers import ExampleRequest, ExampleSchema, SynonymRequest, SynonymSchema


class _List(APIView):
    """The synonyms or the examples of a database."""

    needs: ClassVar = {"GET": READ_DATABASES, "HEAD": READ_DATABASES, "POST": CHANGE_DATABASES}
    model: ClassVar[Any]
    serializer: ClassVar[type[ModelSerializer[Any]]]

    def get(self, request: Request, database_id: int) -> HttpResponse:
        """Lists them."""
        items = self.model.objects.filter(database=registered(database_id))
        return json_response(self.serializer(items, many=True).data)

    def post(self, request: Request, database_id: int) -> HttpResponse:
        """Adds one; an equal one stays as it is."""
        database = registered(database_id)
        values = bodies.read(request, self.serializer)
        self.check(database, values)
        item, is_new = self.model.objects.get_or_create(database=database, **values)
        return json_response(self.serializer(item).data, status=201 if is_new else 200)

    def check(self, database: Database, values: dict[str, Any]) -> None:
        """Raises if the item can't be stored."""


class _One(APIView):
    """One synonym or example."""

    needs: ClassVar = {"DELETE": CHANGE_DATABASES}
    model: ClassVar[Any]

    def delete(self, request: Request, item_id: int) -> HttpResponse:
        """Deletes it."""
        if not self.model.objects.filter(pk=item_id).delete()[0]:
            raise NoSuchRecord("Nothing here has this id.")
        return HttpResponse(status=204)


@extend_schema_view(
    get=extend_schema(operation_id="list_synonyms", summary="Synonyms", responses=SynonymSchema(many=True)),
    post=extend_schema(
        operation_id="add_synonym", summary="Add a synonym", request=SynonymRequest, responses={201: SynonymSchema}
    ),
)
class Synonyms(_List):
    """Other words for tables, columns and values."""

    model = Synonym
    serializer = SynonymSchema


@extend_schema_view(
    get=extend_schema(operation_id="list_examples", summary="Verified examples", responses=ExampleSchema(many=True)),
    post=extend_schema(
        operation_id="add_example",
        summary="Add a question with its SQL",
        description="The guard checks the SQL first.",
        request=ExampleRequest,
        responses={201: ExampleSchema},
    ),
)
class Examples(_List):
    """Questions with verified SQL."""

    model = Example
    serializer = ExampleSchema

    def check(self, database: Database, values: dict[str, Any]) -> None:
        """Raises `StatementRefused`."""
        questions.require_allowed(values["sql"], catalogue_of(database, None))


@extend_schema_view(
    delete=extend_schema(operation_id="delete_synonym", summary="Delete a synonym", responses={204: None})
)
class OneSynonym(_One):
    """One synonym."""

    model = Synonym


@extend_schema_view(
    delete=extend_schema(operation_id="delete_example", summary="Delete an example", responses={204: None})
)
class OneExample(_One):
    """One example."""

    model = Example
