"""Registers databases through the gateway."""

import json
from typing import Any

from django.test import Client


class Api:
    """Calls JSON paths and returns status and value."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One call; None is no body."""
        text = "" if body is None else json.dumps(body)
        response = self.client.generic(method.upper(), path, text, content_type="application/json")
        return response.status_code, json.loads(response.content) if response.content else None

    def register(self, info: object, name: str = "의원") -> int:
        """Registers a database, takes in its tables, and returns its id."""
        status, database = self.call("post", "/ddp/db", {"kor_name": name, "connection_info": json.dumps(info)})
        assert status == 201, database
        status, extracted = self.call("post", f"/ddp/db/{database['id']}/extract/table")
        assert status == 200, extracted
        status, saved = self.call("post", f"/ddp/db/{database['id']}/table", extracted)
        assert status == 201, saved
        return int(database["id"])

    def tables(self, database_id: int) -> dict[str, Any]:
        """The stored tables by name; each has `columns` by name."""
        _, tables = self.call("get", f"/ddp/db/{database_id}/table")
        return {
            table["name"]: {**table, "columns": {each["name"]: each for each in table["columns"]}} for table in tables
        }

    def execute(self, database_id: int, query: str, session: str = "session-1") -> tuple[int, Any]:
        """Runs a statement."""
        return self.call("post", f"/llm/execute-sql/db/{database_id}/{session}?summarize=true", {"query": query})
