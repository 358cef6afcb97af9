"""Whether a role has more rights than reading needs, and how to make one that has not."""

import re
from typing import Any

from text_to_sql.connections.drivers import DRIVER_ERRORS
from text_to_sql.connections.info import ConnectionInfo

_POSTGRES = """
SELECT 'is a superuser' FROM pg_roles WHERE rolname = current_user AND rolsuper
UNION ALL SELECT 'may create databases or roles' FROM pg_roles
    WHERE rolname = current_user AND (rolcreatedb OR rolcreaterole) AND NOT rolsuper
UNION ALL SELECT 'bypasses row security' FROM pg_roles WHERE rolname = current_user AND rolbypassrls AND NOT rolsuper
UNION ALL SELECT 'may create in the schema public' WHERE has_schema_privilege('public', 'CREATE')
UNION ALL SELECT 'may write to the table ' || min(relname) || CASE WHEN count(*) > 1 THEN ' and others' ELSE '' END
    FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND nspname = 'public'
        AND has_table_privilege(pg_class.oid, 'INSERT,UPDATE,DELETE,TRUNCATE')
    HAVING count(*) > 0
"""
_COLUMNS = re.compile(r"\([^)]*\)")
_HARMLESS = {"SELECT", "USAGE", "SHOW VIEW"}


def warnings(connection: Any, info: ConnectionInfo) -> list[str]:
    """What the role may do beyond reading, one sentence each. Closes nothing."""
    try:
        found = _FIND[info.engine](connection)
    except DRIVER_ERRORS as exc:
        return [f"The rights of this role could not be read ({type(exc).__name__}): check them by hand."]
    return [f"The role {info.user} {text}. Use one that may only read." for text in found]


def read_only_role(info: ConnectionInfo) -> list[str]:
    """The statements by which an administrator makes a role that may only read. None for SQLite."""
    statements = {
        "postgres": [
            "CREATE ROLE reader LOGIN NOINHERIT PASSWORD '…';",
            "ALTER ROLE reader SET default_transaction_read_only = on;",
            f'GRANT CONNECT ON DATABASE "{info.db}" TO reader;',
            "GRANT USAGE ON SCHEMA public TO reader;",
            "GRANT SELECT (visible, columns) ON visible_table TO reader;  -- each table",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC;",
            "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;",
        ],
        "mysql": [
            "CREATE USER reader@'%' IDENTIFIED BY '…';",
            f"GRANT SELECT ON `{info.db}`.* TO reader@'%';  -- or SELECT (visible, columns) for each table",
        ],
    }
    return statements.get(info.engine, [])


def _postgres(connection: Any) -> list[str]:
    return [text for (text,) in connection.execute(_POSTGRES).fetchall()]


def _mysql(connection: Any) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW GRANTS")
        grants = [str(grant) for (grant,) in cursor.fetchall()]
    return [
        f"has the right: {grant.split(' TO ')[0].removeprefix('GRANT ')[:100]}" for grant in grants if _is_more(grant)
    ]


def _is_more(grant: str) -> bool:
    """Whether a line of SHOW GRANTS gives more than reading. A line about a role counts, since it may give anything."""
    rights, on, _ = _COLUMNS.sub("", grant.removeprefix("GRANT ")).partition(" ON ")
    return not on or bool({right.strip() for right in rights.split(",")} - _HARMLESS)


def _sqlite(_: Any) -> list[str]:
    return []


_FIND = {"postgres": _postgres, "mysql": _mysql, "sqlite": _sqlite}
