"""Bodies of requests and responses, checked and described for OpenAPI."""

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from text_to_sql.draft_doubts import KINDS
from text_to_sql.models import Column, Database, Example, QuestionSession, Synonym, Table

LIST_SCHEMA = {"type": "array", "items": {"type": "object", "additionalProperties": {}}}
_WRITTEN = ("kor_name", "description", "hidden")


@extend_schema_field(OpenApiTypes.ANY)
class AnyField(serializers.Field[Any, Any, Any, Any]):
    """Any JSON value; the service reads it."""

    def to_internal_value(self, data: Any) -> Any:
        """The value as it came."""
        return data

    def to_representation(self, value: Any) -> Any:
        """The value."""
        return value


class DatabaseRequest(serializers.ModelSerializer[Database]):
    """`POST /ddp/db`."""

    connection_info = AnyField(
        help_text='A JSON text or an object {"host", "db", "user", "passwd", "port"?, "engine"?}, or a URL.'
    )

    class Meta:
        model = Database
        fields = ("kor_name", "eng_name", "description", "connection_info")


class ColumnRequest(serializers.ModelSerializer[Column]):
    """One column of `POST /ddp/db/{id}/table`. Unknown members are ignored, so that an extraction can be sent back."""

    data_type = serializers.CharField(max_length=255, required=False, default="")
    samples = serializers.ListField(
        child=serializers.CharField(max_length=200, allow_blank=True), max_length=20, required=False
    )
    values = serializers.ListField(child=serializers.CharField(max_length=200), max_length=200, required=False)

    class Meta:
        model = Column
        fields = (
            "name",
            "data_type",
            "nullable",
            "primary_key",
            "references",
            "comment",
            "samples",
            "values",
            *_WRITTEN,
        )


class TableRequest(serializers.ModelSerializer[Table]):
    """One table of `POST /ddp/db/{id}/table`."""

    columns = ColumnRequest(many=True)

    class Meta:
        model = Table
        fields = ("name", "comment", *_WRITTEN, "columns")


class TablesRequest(serializers.Serializer[Any]):
    """`POST /ddp/db/{id}/table`: what an extraction returned, edited or not."""

    tables = TableRequest(many=True)
    removed = serializers.ListField(child=serializers.CharField(max_length=255), required=False, default=list)


class WrittenRequest(serializers.Serializer[Any]):
    """`PUT /ddp/table/{id}` and `/ddp/column/{id}`. Members that are missing stay as they are."""

    kor_name = serializers.CharField(max_length=100, allow_blank=True, required=False)
    description = serializers.CharField(allow_blank=True, required=False)
    hidden = serializers.BooleanField(required=False)


class SynonymSchema(serializers.ModelSerializer[Synonym]):
    """Another word for a table, a column or a value."""

    class Meta:
        model = Synonym
        fields: ClassVar[tuple[str, ...]] = ("id", "word", "means")
        extra_kwargs: ClassVar = {
            "word": {"help_text": "What people say."},
            "means": {"help_text": "What it means, as `table`, `table.column` or `table.column = 'value'`."},
        }


class SynonymRequest(SynonymSchema):
    """A synonym to add."""

    class Meta(SynonymSchema.Meta):
        fields = ("word", "means")


class ExampleSchema(serializers.ModelSerializer[Example]):
    """A question with its verified SQL."""

    class Meta:
        model = Example
        fields: ClassVar[tuple[str, ...]] = ("id", "question", "sql")


class ExampleRequest(ExampleSchema):
    """A question with its SQL, to add."""

    class Meta(ExampleSchema.Meta):
        fields = ("question", "sql")


class QuestionRequest(serializers.Serializer[Any]):
    """`POST /llm/generate-sql/db/{id}`. `query` is another name of `question`."""

    question = serializers.CharField(max_length=2000, required=False)
    query = serializers.CharField(max_length=2000, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one of the two."""
        if len(attrs) != 1:
            raise serializers.ValidationError({"question": "must be given, once: as question or as query"})
        return {"question": next(iter(attrs.values()))}


class ModelSchema(serializers.Serializer[Any]):
    """A language model, as its server names it, the server, and the version of the prompt."""

    name = serializers.CharField()
    provider = serializers.CharField()
    prompt_version = serializers.CharField()


class DoubtSchema(serializers.Serializer[Any]):
    """A sign that the SQL does not fit the question."""

    kind = serializers.ChoiceField(choices=list(KINDS.items()), help_text="What does not fit.")
    value = serializers.CharField(
        allow_blank=True, help_text="The date, number or column that it is about; blank for the other kinds."
    )
    detail = serializers.CharField(help_text="The doubt in a sentence.")


class QuestionResponse(serializers.Serializer[Any]):
    """The SQL; `id` and `session_id` are the same, as are `query` and `sql`."""

    id = serializers.UUIDField()
    session_id = serializers.UUIDField()
    query = serializers.CharField()
    sql = serializers.CharField()
    result = serializers.CharField()
    example = ExampleSchema(allow_null=True, help_text="The verified example that equals the question.")
    model = ModelSchema(allow_null=True, help_text="The model that wrote the SQL.")
    warning = serializers.CharField(allow_null=True)
    doubts = DoubtSchema(
        many=True, help_text="What in a model's SQL does not fit the question. None found is no proof."
    )


class EarlierQuestion(serializers.ModelSerializer[QuestionSession]):
    """A question of the caller, and the SQL that answered it."""

    session_id = serializers.UUIDField(source="id", help_text="By which the SQL is run, and kept as an example.")

    class Meta:
        model = QuestionSession
        fields = ("session_id", "question", "sql", "created_at")


class ExecutionRequest(serializers.Serializer[Any]):
    """`POST /llm/execute-sql/db/{id}/{session_id}`."""

    query = serializers.CharField(trim_whitespace=False, help_text="One SELECT in the database's dialect.")


class ResultColumn(serializers.Serializer[Any]):
    """A column of a result."""

    name = serializers.CharField()
    type = serializers.CharField()


class ExecutionResponse(serializers.Serializer[Any]):
    """The rows. `truncated` says that there are more than QUERY_MAX_ROWS or QUERY_MAX_BYTES."""

    data = serializers.ListField(child=serializers.DictField())  # type: ignore[assignment] # a field, not the property
    columns = ResultColumn(many=True)
    truncated = serializers.BooleanField()
    summary = serializers.CharField(allow_null=True)
