"""Registers, changes and describes databases."""

from collections.abc import Mapping
from typing import Any

from text_to_sql.connections import rights
from text_to_sql.connections.drivers import connect, invalid
from text_to_sql.connections.info import ConnectionInfo, read
from text_to_sql.models import Database

CHECK_SECONDS = 10


def register(values: Mapping[str, Any]) -> dict[str, Any]:
    """Connects, and stores the database. Raises `BadInput`, `TargetError` or `CredentialsUnavailable`."""
    return change(Database(), values)


def change(database: Database, values: Mapping[str, Any]) -> dict[str, Any]:
    """Stores new values; a new `connection_info` is verified first. Returns the database, described."""
    warnings: list[str] = []
    members = dict(values)
    if "connection_info" in members:
        info = _read(members.pop("connection_info"))
        warnings = _verified(info)
        database.set_info(info)
    for name, value in members.items():
        setattr(database, name, value)
    database.save()
    return described(database) | _advice(database, warnings)


def described(database: Database) -> dict[str, Any]:
    """The members of a response. The password is in none."""
    connection = {"engine": database.engine, "host": database.host, "port": database.port}
    return {
        "id": database.pk,
        "kor_name": database.kor_name,
        "eng_name": database.eng_name,
        "description": database.description,
        "connection": {**connection, "db": database.db, "user": database.user},
        "created_at": database.created_at,
    }


def _read(value: object) -> ConnectionInfo:
    try:
        return read(value)
    except ValueError as exc:
        raise invalid(str(exc)) from None


def _verified(info: ConnectionInfo) -> list[str]:
    connection = connect(info, CHECK_SECONDS)
    try:
        return rights.warnings(connection, info)
    finally:
        connection.close()


def _advice(database: Database, warnings: list[str]) -> dict[str, Any]:
    if not warnings:
        return {"warnings": []}
    info = ConnectionInfo(
        engine=database.engine, host=database.host, port=database.port, db=database.db, user=database.user, password=""
    )
    return {"warnings": warnings, "read_only_role": rights.read_only_role(info)}
