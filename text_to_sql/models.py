"""Registered databases, what is known of their tables, and the logs of executions and model calls."""

from typing import ClassVar

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models

from common.encrypted_fields import EncryptedJSONField, EncryptedTextField
from common.ids import uuid7
from recording.models import SealedRow, history_indexes
from text_to_sql import credentials
from text_to_sql.connections.info import ConnectionInfo
from text_to_sql.fields import DecimalTextField
from text_to_sql.records import LLMRecord, QueryExecutionRecord

_MAX = QueryExecutionRecord.MAX_LENGTHS
_LLM_MAX = LLMRecord.MAX_LENGTHS


class Database(models.Model):
    """A registered database. The password is encrypted, and never shown again."""

    class Engine(models.TextChoices):
        """The SQL dialect. MariaDB is `mysql`."""

        MYSQL = "mysql"
        POSTGRES = "postgres"
        SQLITE = "sqlite"

    kor_name = models.CharField(max_length=100)
    eng_name = models.CharField(max_length=100, blank=True)
    description = models.TextField(blank=True)
    engine = models.CharField(max_length=8, choices=Engine.choices)
    host = models.CharField(max_length=255, blank=True)
    port = models.PositiveIntegerField()
    db = models.CharField(max_length=255)
    user = models.CharField(max_length=255, blank=True)
    password = models.TextField(blank=True, help_text="Encrypted, see `text_to_sql.credentials`.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.kor_name

    @property
    def schema(self) -> str:
        """The schema of its tables, as the guard writes it."""
        return {"postgres": "public", "sqlite": "main"}.get(self.engine, self.db)

    @property
    def info(self) -> ConnectionInfo:
        """How to connect. Raises `CredentialsUnavailable`."""
        password = credentials.decrypt(self.password) if self.password else ""
        return ConnectionInfo(
            engine=self.engine, host=self.host, port=self.port, db=self.db, user=self.user, password=password
        )

    def set_info(self, info: ConnectionInfo) -> None:
        """Stores how to connect. Raises `CredentialsUnavailable`."""
        self.engine, self.host, self.port, self.db, self.user = info.engine, info.host, info.port, info.db, info.user
        self.password = credentials.encrypt(info.password) if info.password else ""


class Described(models.Model):
    """What people write about a table or a column. A second extraction keeps it."""

    kor_name = models.CharField(max_length=100, blank=True)
    description = models.TextField(blank=True)
    hidden = models.BooleanField(default=False, help_text="Hidden ones can't be queried, and no prompt shows them.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Table(Described):
    """A table or a view of a registered database."""

    database = models.ForeignKey(Database, on_delete=models.CASCADE, related_name="tables")
    name = models.CharField(max_length=255)
    comment = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["database", "name"], name="table_once")]

    def __str__(self) -> str:
        return self.name


class Column(Described):
    """A column of a table."""

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="columns")
    name = models.CharField(max_length=255)
    position = models.PositiveIntegerField()
    data_type = models.CharField(max_length=255)
    nullable = models.BooleanField(default=True)
    primary_key = models.BooleanField(default=False)
    references = models.CharField(max_length=511, blank=True, help_text="table.column of a foreign key.")
    comment = models.TextField(blank=True)
    samples = EncryptedJSONField(default=list, help_text="A few values, as texts.")
    values = EncryptedJSONField(default=list, help_text="The values of a column with few different ones, as texts.")

    class Meta:
        ordering: ClassVar = ["position", "name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["table", "name"], name="column_once")]

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"


class RowRule(models.Model):
    """Which rows of a table the members of a group see. A table without rules shows all rows to all.

    If a table has rules, a caller sees the rows of the rules of all of the caller's groups; without any, none.
    """

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="rules")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="+")
    predicate = models.TextField(help_text="In the database's dialect, over the table's columns: clinic = 'north'.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["table", "group"], name="row_rule_once")]

    def __str__(self) -> str:
        return f"{self.table}: {self.predicate}"

    def clean(self) -> None:
        """Raises `ValidationError` unless the predicate is one over the table's columns, hidden ones too."""
        from text_to_sql.guard import RuleRefused, check_rule  # noqa: PLC0415 - not in every process: 40 MB

        columns = tuple(self.table.columns.values_list("name", flat=True))
        try:
            check_rule(self.predicate, self.table.database.engine, columns)
        except RuleRefused as exc:
            raise ValidationError({"predicate": str(exc)}) from None


class Synonym(models.Model):
    """Another word for a table, a column or a value: `매출` for `orders.amount`."""

    database = models.ForeignKey(Database, on_delete=models.CASCADE, related_name="synonyms")
    word = models.CharField(max_length=100)
    means = models.CharField(max_length=511)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["word", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["database", "word", "means"], name="synonym_once")]

    def __str__(self) -> str:
        return f"{self.word}: {self.means}"


class Example(models.Model):
    """A question, and the SQL that a person verified for it."""

    database = models.ForeignKey(Database, on_delete=models.CASCADE, related_name="examples")
    question = models.TextField()
    sql = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.question[:100]


class QuestionSession(models.Model):
    """A question that was answered with SQL. Its id is the session id by which the SQL is run."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    database = models.ForeignKey(Database, on_delete=models.CASCADE, related_name="+")
    caller = models.CharField(max_length=_LLM_MAX["caller"], blank=True)
    question = EncryptedTextField()
    sql = EncryptedTextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["caller", "database", "-id"], name="question_by_caller")]

    def __str__(self) -> str:
        return str(self.pk)


class QueryExecutionLog(SealedRow):
    """One attempt to run a statement on a registered database, successful or not. It holds no rows of the result."""

    database_id = models.BigIntegerField(help_text="The database's id. It may be forgotten since.")
    database_name = models.CharField(max_length=_MAX["database_name"])
    session_id = models.CharField(max_length=_MAX["session_id"])
    query = EncryptedTextField(help_text="The statement as it was sent.")
    executed_sql = EncryptedTextField(blank=True, help_text="What ran: the guard's SQL. Blank if it was refused.")
    outcome = models.CharField(
        max_length=_MAX["outcome"], help_text="succeeded, refused, failed, timed-out or cancelled."
    )
    error = EncryptedTextField(blank=True)
    row_count = models.BigIntegerField()
    truncated = models.BooleanField()
    duration_ms = models.FloatField()
    caller = models.CharField(max_length=_MAX["caller"], blank=True)
    request_id = models.CharField(max_length=_MAX["request_id"], blank=True)

    class Meta:
        verbose_name = "query execution"
        indexes: ClassVar = history_indexes("execution", "database_id", "session_id")


class LLMLog(SealedRow):
    """One attempt to call a language model, successful or not."""

    database_id = models.BigIntegerField(help_text="The database's id. It may be forgotten since.")
    database_name = models.CharField(max_length=_LLM_MAX["database_name"])
    session_id = models.CharField(max_length=_LLM_MAX["session_id"], help_text="The question's session.")
    agent = models.CharField(max_length=_LLM_MAX["agent"])
    prompt_version = models.CharField(max_length=_LLM_MAX["prompt_version"])
    provider = models.CharField(max_length=_LLM_MAX["provider"], help_text="The host and port of LLM_BASE_URL.")
    model = models.CharField(max_length=_LLM_MAX["model"], help_text="As the server names it, or LLM_MODEL.")
    prompt = EncryptedTextField(help_text="The messages, as JSON.")
    answer = EncryptedTextField(blank=True)
    outcome = models.CharField(
        max_length=_LLM_MAX["outcome"], help_text="succeeded, failed, refused, unusable or timed-out."
    )
    error = EncryptedTextField(blank=True)
    tokens_in = models.BigIntegerField()
    tokens_out = models.BigIntegerField()
    cost = DecimalTextField(max_digits=15, decimal_places=10)
    latency_ms = models.FloatField()
    caller = models.CharField(max_length=_LLM_MAX["caller"], blank=True)
    request_id = models.CharField(max_length=_LLM_MAX["request_id"], blank=True)

    class Meta:
        verbose_name = "model call"
        indexes: ClassVar = history_indexes("llm", "database_id", "session_id")


class Evaluation(models.Model):
    """How a model with a prompt version answered the published questions. The newest accepted one is the standard."""

    class Verdict(models.TextChoices):
        """`worse` ones are refused for service."""

        ACCEPTED = "accepted"
        WORSE = "worse"
        NOT_WORSE = "not-worse", "not worse"

    model = models.CharField(max_length=200)
    prompt_version = models.CharField(max_length=20)
    verdict = models.CharField(max_length=9, choices=Verdict.choices)
    outcomes = models.JSONField(help_text="The outcome of each question, by its id.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["model", "prompt_version", "-id"], name="evaluation_of")]

    def __str__(self) -> str:
        return f"{self.model}, prompt {self.prompt_version}: {self.verdict}"
