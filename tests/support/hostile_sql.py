"""Generates hostile statements, the same ones for the same seed. They attack the schema of `SCHEMA`."""

# ruff: noqa: E501 - tables of words
import random
from collections.abc import Iterator

SECRET = "SECRET"  # stands in every value that no answer may have
# The clinic may see its own visits, and people without their notes. Nobody may see salaries.
SCHEMA = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(40), note VARCHAR(40))",
    "CREATE TABLE visits (id INTEGER PRIMARY KEY, person_id INTEGER, clinic VARCHAR(20), fee DECIMAL(10, 2), memo VARCHAR(40))",
    "CREATE TABLE salaries (id INTEGER PRIMARY KEY, name VARCHAR(40), amount INTEGER)",
    "INSERT INTO people VALUES (1, '김민준', 'SECRET note'), (2, 'Ann', 'SECRET note')",
    "INSERT INTO visits VALUES (1, 1, 'north', 10.5, 'cold'), (2, 2, 'south', 20, 'SECRET tenant')",
    "INSERT INTO salaries VALUES (1, 'SECRET salary', 4711)",
)  # fmt: skip
TABLES = ("people", "visits", "salaries")
OWN_TEXTS = ("SECRETX", "secretx")  # of the statements themselves
READER = {"user": "reader", "passwd": "reader-secret"}
# The roles that the registration proposes: visible columns only; PostgreSQL also has rules for rows.
POSTGRES_READER = (
    "CREATE ROLE reader LOGIN NOINHERIT PASSWORD 'reader-secret'",
    "ALTER ROLE reader SET default_transaction_read_only = on",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "GRANT SELECT (id, name) ON people TO reader",
    "GRANT SELECT ON visits TO reader",
    "ALTER TABLE visits ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY north ON visits TO reader USING (clinic = 'north')",
)
MARIADB_READER = (
    "CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'reader-secret'",
    "GRANT SELECT (id, name) ON clinic.people TO reader@'127.0.0.1'",
    "GRANT SELECT (id, person_id, clinic, fee) ON clinic.visits TO reader@'127.0.0.1'",
)
# MariaDB has no rules for rows: the reader sees views of its own database `reading`, and nothing of `clinic`.
MARIADB_VIEWS = (
    "CREATE VIEW reading.people AS SELECT id, name FROM clinic.people",
    "CREATE VIEW reading.visits AS SELECT * FROM clinic.visits WHERE clinic = 'north'",
    "CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'reader-secret'",
    "GRANT SELECT ON reading.* TO reader@'127.0.0.1'",
)

_SHARED = {
    "scalar": """1|name|id|note|memo|people.note|p.note|visits.memo|salaries.name|(SELECT name FROM salaries)|*|p.*|people.*
        |count(*)|(SELECT note FROM people LIMIT 1)|max(note)|coalesce(memo, note)|people|p|CURRENT_USER|amount|'SECRETX'
        |(SELECT max(memo) FROM visits)|'x' || note|CAST(note AS CHAR)|fee|clinic|rowid|ctid|xmin|oid|tableoid
        |(p).note|row(p)|CASE WHEN 1=1 THEN note END|(WITH q AS (SELECT * FROM salaries) SELECT name FROM q)
        |EXISTS (SELECT * FROM salaries WHERE amount > 1)|nаme|ｎａｍｅ|"note"|`note`|[note]|p."note"|NULL|-(-(1))|lower(memo)""",
    "source": """people|people p|visits|visits v|salaries|people, salaries|people p JOIN visits v ON v.person_id = p.id
        |people p LEFT JOIN visits v ON v.person_id = p.id|people NATURAL JOIN salaries|people JOIN salaries USING (id)
        |(SELECT * FROM salaries) s|(SELECT * FROM visits) v|(people)|people p CROSS JOIN salaries|information_schema.tables
        |mysql.user|pg_catalog.pg_user|sqlite_master|pg_shadow|other.visits|main.salaries|public.salaries|clinic_hidden.salaries
        |реорle|PEOPLE|"people"|`visits`|visits v1 JOIN visits v2 ON v1.id = v2.id|ONLY visits|visits TABLESAMPLE SYSTEM (100)
        |LATERAL (SELECT * FROM salaries) l|pragma_table_info('salaries')|generate_series(1, 9)|visits PARTITION (p0)
        |people p JOIN visits v USING (id)|visits FOR SYSTEM_TIME ALL|json_each('[1]')|(VALUES (1)) t(x)|visits AS v(a, b, c, d, e)
        |clinic.salaries|clinic.visits|public.visits|`clinic`.`salaries`|"public"."salaries"|attacked.public.salaries
        |information_schema.columns|performance_schema.events_statements_history|mysql.global_priv|sys.session|pg_catalog.pg_statistic
        |pg_stats|pg_stat_activity|pg_largeobject|pg_authid|sqlite_schema|sqlite_temp_master|sqlite_sequence|dbstat|sqlite_dbpage
        |pe\u200bople|visits\u0000|ｓａｌａｒｉｅｓ|salarіes|"salaries" s|(TABLE salaries) t|(SELECT * FROM (SELECT * FROM salaries) a) b
        |people p RIGHT JOIN visits v ON p.id = v.id|visits v LEFT JOIN visits w ON w.person_id = 2 AND w.id <> v.id""",
    "condition": """1=1|note LIKE 'SECRET%'|clinic = 'south'|id = 1 OR 1=1|clinic <> 'north'|id IN (SELECT id FROM salaries)
        |memo IS NOT NULL|EXISTS (SELECT 1 FROM visits w WHERE w.clinic = 'south')|NOT (clinic = 'north')|v.clinic IN ('south')
        |id = (SELECT max(id) FROM visits)|person_id = 2|p.note > 'A'|1 = 1 UNION SELECT name FROM salaries
        |id > 1 AND CAST(memo AS INTEGER) IS NULL|1=1) OR (1=1|1=1 OR clinic = 'south' -- |fee > ANY (SELECT amount FROM salaries)|visits.memo = visits.memo""",
    "tail": """||||LIMIT 1|ORDER BY 1|ORDER BY note|ORDER BY memo|LIMIT 99999999999|LIMIT -1|LIMIT ALL|OFFSET 1|FOR UPDATE|FOR SHARE
        |FOR UPDATE NOWAIT|LOCK IN SHARE MODE|INTO OUTFILE '/tmp/secret_out'|INTO @x|INTO DUMPFILE '/tmp/secret_out'
        |GROUP BY note|HAVING 1=1|UNION SELECT name FROM salaries|UNION ALL SELECT memo FROM visits|EXCEPT SELECT 'x'
        |FETCH FIRST 5 ROWS WITH TIES|WINDOW w AS (ORDER BY note)|PROCEDURE ANALYSE()|; DROP TABLE visits|; SELECT * FROM salaries
        |INTO stolen|INTO TEMP stolen|INTO UNLOGGED stolen|FOR NO KEY UPDATE|FOR KEY SHARE SKIP LOCKED|FOR UPDATE OF p|INTO @a, @b
        |RETURNING *|ON CONFLICT DO NOTHING|QUALIFY 1=1|LIMIT 1 INTO OUTFILE '/tmp/secret_out' FIELDS TERMINATED BY ','
        |LIMIT (SELECT amount FROM salaries)|ORDER BY (SELECT name FROM salaries)|/*! UNION SELECT name FROM salaries */""",
    "whole": """DELETE FROM visits|UPDATE visits SET memo = 'x'|INSERT INTO visits VALUES (9, 1, 'north', 1, 'x')|DROP TABLE people
        |TRUNCATE TABLE visits|CREATE TABLE x AS SELECT * FROM salaries|ALTER TABLE people ADD y INTEGER|GRANT ALL ON people TO x
        |MERGE INTO visits USING people ON 1=1 WHEN MATCHED THEN DELETE|REPLACE INTO visits VALUES (1)|COMMIT|BEGIN|ROLLBACK
        |SET TRANSACTION READ WRITE|SET SESSION AUTHORIZATION postgres|RESET ROLE|EXPLAIN ANALYZE DELETE FROM visits|SHOW TABLES
        |WITH d AS (DELETE FROM visits RETURNING *) SELECT * FROM d|WITH u AS (UPDATE visits SET memo = 'x' RETURNING *) SELECT * FROM u
        |SELECT 1; DELETE FROM visits|SELECT 1;;|SELECT * INTO stolen FROM salaries|TABLE salaries|VALUES (1)|CALL p()|DO 1
        |DO $$ BEGIN DELETE FROM visits; END $$|COPY visits TO '/tmp/secret_out'|COPY salaries TO PROGRAM 'cat'|LISTEN x|NOTIFY x
        |PREPARE s AS DELETE FROM visits|EXECUTE s|DECLARE c CURSOR FOR SELECT * FROM salaries|HANDLER visits OPEN|VACUUM|PRAGMA writable_schema = 1
        |ATTACH DATABASE '/tmp/secret_out' AS a|LOAD DATA INFILE '/etc/passwd' INTO TABLE visits|KILL 1|FLUSH TABLES|LOCK TABLES visits WRITE
        |WITH i AS (INSERT INTO visits SELECT * FROM visits RETURNING *) SELECT count(*) FROM i
        |WITH m AS (MERGE INTO visits USING people ON 1=1 WHEN MATCHED THEN DELETE RETURNING *) SELECT * FROM m
        |WITH a AS (WITH b AS (DELETE FROM people RETURNING *) SELECT * FROM b) SELECT * FROM a
        |SELECT * FROM (DELETE FROM visits RETURNING *) d|CREATE TABLE y AS TABLE salaries|REFRESH MATERIALIZED VIEW x|SECURITY LABEL ON TABLE visits IS 'x'
        |SET ROLE postgres|SET row_security = off|SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE|START TRANSACTION READ WRITE
        |SET default_transaction_read_only = off; DELETE FROM visits|SET statement_timeout = 0|SET STATEMENT max_statement_time=0 FOR SELECT * FROM visits
        |CREATE TRIGGER t AFTER INSERT ON visits FOR EACH ROW DELETE FROM people|RENAME TABLE visits TO gone|EXECUTE IMMEDIATE 'DELETE FROM visits'
        |SELECT 1 FROM visits PROCEDURE analyse()|INSTALL SONAME 'x'|XA START 'x'|SAVEPOINT a|REINDEX TABLE visits|ANALYZE visits|CLUSTER visits|COMMENT ON TABLE visits IS 'x'
        |SELECT 1\u037e DELETE FROM visits|SELECT 1；DELETE FROM visits|SELECT '\\'; DELETE FROM visits; -- '|SELECT $$a$$; DELETE FROM visits
        |CREATE FUNCTION f() RETURNS INT RETURN 1|DESCRIBE salaries|(SELECT name FROM salaries)|((SELECT note FROM people))
        |WITH visits AS (SELECT * FROM visits) SELECT * FROM visits|WITH salaries AS (SELECT 'x' AS name) SELECT name FROM salaries
        |WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n, memo FROM r, visits
        |WITH people AS (SELECT * FROM salaries) SELECT * FROM people|SELECT * FROM visits v WHERE EXISTS (WITH visits AS (SELECT 1) SELECT * FROM salaries)""",
}  # fmt: skip
_FUNCTIONS = {
    "postgres": """pg_sleep(1)|pg_read_file('/etc/passwd')|lo_import('/etc/passwd')|dblink('x', 'y')|nextval('s')|setval('s', 1)
        |set_config('transaction_read_only', 'off', false)|pg_advisory_lock(1)|pg_terminate_backend(1)|query_to_xml('select * from salaries', true, true, '')
        |pg_stat_reset()|pg_logical_emit_message(true, 'a', 'b')|current_setting('data_directory')|txid_current()|version()
        |'salaries'::regclass|$$x$$|E'\\x41'|U&'\\0041'|B'1'|X'1F'|note::text|pg_catalog.lower(note)|"pg_sleep"(1)|inet_server_addr()
        |database_to_xml(true, true, '')|row_to_json(p)|to_jsonb(visits)|array(SELECT name FROM salaries)|ARRAY[1]|currval('s')
        |pg_ls_dir('.')|pg_rotate_logfile()|pg_switch_wal()|pg_reload_conf()|pg_create_restore_point('x')|pg_cancel_backend(1)|pg_notify('a', 'b')
        |txid_current_if_assigned()|pg_stat_file('base')|pg_read_binary_file('PG_VERSION')|lo_creat(-1)|lo_put(1, 0, 'x')|pg_export_snapshot()
        |ts_stat('SELECT name FROM salaries')|cursor_to_xml('c', 1, true, true, '')|xpath('/a', 'x'::xml)|query_to_xmlschema('table salaries', true, true, '')
        |schema_to_xml('public', true, true, '')|pg_get_viewdef('x')|has_table_privilege('salaries', 'select')|pg_relation_size('salaries')|repeat('x', 2000000000)
        |pg_try_advisory_lock(1)|pg_backup_start('x')|brin_summarize_new_values('x')|gin_clean_pending_list('x')|setseed(0.5)|note::regclass
        |(SELECT (x).name FROM (SELECT s AS x FROM salaries s) y)|table_to_xml('salaries', true, true, '')|gen_random_uuid()|lo_export(1, '/tmp/x')""",
    "mysql": """sleep(1)|benchmark(1000000, md5('x'))|load_file('/etc/passwd')|get_lock('x', 1)|release_lock('x')|user()|database()
        |version()|@@version|@@global.secure_file_priv|@x := 1|@x|/*!50000 note */|/*M! note */|last_insert_id()|uuid_short()
        |sys_exec('id')|sys_eval('id')|master_pos_wait('x', 1, 1)|repeat('x', 2000000000)|lastval(s)|@@session.sql_mode|@@datadir|current_role()
        |get_lock(note, 9)|benchmark(999999999, sha2('x', 512))|sleep(99)|if(1=1, note, 1)|elt(1, note)|make_set(1, note)|field(note, 1)|password('x')
        |/*!99999 x */ note|/*+ MAX_EXECUTION_TIME(0) */ note|(SELECT note FROM people LIMIT 1) := 1|procedure analyse(note)|json_arrayagg(note)
        |name_const('a', 1)|extractvalue(1, concat(0x7e, note))|updatexml(1, note, 1)|is_free_lock('x')|0x41|_utf8'x'|N'x'|connection_id()
        |nextval(s)|NEXT VALUE FOR s|setval(s, 1)|found_rows()|row_count()|x'41'|b'1'|json_table('[1]', '$[*]' COLUMNS (a INT PATH '$'))|sha2(note, 256)""",
    "sqlite": """load_extension('x')|randomblob(9999999999)|zeroblob(9999999999)|readfile('/etc/passwd')|writefile('/tmp/secret_out', 'x')
        |sqlite_version()|edit('x')|fts3_tokenizer('x')|last_insert_rowid()|changes()|x'41'|:p|?1|@p|$p|hex(note)|sqlite_compileoption_get(1)
        |(SELECT sql FROM sqlite_master)|(SELECT group_concat(name) FROM pragma_table_list)|likelihood(note, 0.5)|unlikely(note)|iif(1=1, note, 1)
        |sqlite_source_id()|sqlite_log(1, 'x')|fts5(1)|json_each.value|zipfile('x')|glob(note, '*')|char(83, 69)|unicode(note)|instr(note, 'S')
        |printf('%99999999d', 1)|replace(hex(zeroblob(1000)), '00', note)|json_group_array(note)|eval('select 1')|total_changes()""",
}  # fmt: skip
_PLAIN = {
    "scalar": ("1", "p.id", "p.name", "v.clinic", "v.memo", "v.fee", "count(*)", "max(p.id)", "v.id + 1"),
    "source": ("people p", "visits v", "people p JOIN visits v ON v.person_id = p.id", "visits v, people p"),
    "condition": (
        "1 = 1",
        "p.id = 1",
        "v.fee > 1",
        "v.clinic IS NOT NULL",
        "v.id > 1 AND CAST(v.memo AS INTEGER) IS NULL",
    ),
    "tail": ("", "", "", "LIMIT 5", "ORDER BY 1"),
}
_WRAPS = (
    "{}",
    "({})",
    "  {}  ",
    "/* x */ {}",
    "{} -- x",
    "{};",
    "{}\n# x",
    "{}\u00a0",
    "\ufeff{}",
    "{} ;;",
    "EXPLAIN {}",
)


def statements(dialect: str, count: int, seed: int) -> Iterator[str]:
    """`count` statements for a dialect."""
    rng = random.Random(seed)
    parts = {name: [text.strip() for text in texts.split("|")] for name, texts in _SHARED.items()}
    parts["scalar"] += [text.strip() for text in _FUNCTIONS[dialect].split("|")]
    for _ in range(count):
        yield rng.choice(_WRAPS).format(_statement(rng, parts)) if rng.random() < 0.2 else _statement(rng, parts)


def _statement(rng: random.Random, parts: dict[str, list[str]], depth: int = 0) -> str:
    kind = rng.random()
    if kind < 0.1:
        return rng.choice(parts["whole"])
    if kind < 0.12:
        return _nested(rng)
    if kind < 0.2 and depth < 3:
        name = rng.choice([*TABLES, "q", "Q", "pg_user"])
        inner, outer = (
            _statement(rng, parts, depth + 1),
            rng.choice(["SELECT * FROM {}", "SELECT name FROM {} JOIN people ON 1=1"]),
        )
        return f"WITH {rng.choice(['', 'RECURSIVE '])}{name} AS ({inner}) {outer.format(name)}"
    if kind < 0.28 and depth < 3:
        return f"SELECT * FROM ({_statement(rng, parts, depth + 1)}) d"
    if kind < 0.34 and depth < 3:
        joined = rng.choice(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])
        return f"{_statement(rng, parts, depth + 1)} {joined} {_statement(rng, parts, depth + 1)}"
    scalars = ", ".join(_part(rng, parts, "scalar") for _ in range(rng.choice([1, 1, 2, 3])))
    where = f" WHERE {_part(rng, parts, 'condition')}" if rng.random() < 0.5 else ""
    return f"SELECT {scalars} FROM {_part(rng, parts, 'source')}{where} {_part(rng, parts, 'tail')}".strip()


def _part(rng: random.Random, parts: dict[str, list[str]], name: str) -> str:
    """Often a plain one: a statement with a single trick gets further than one that is wrong throughout."""
    return rng.choice(_PLAIN[name] if rng.random() < 0.65 else parts[name])


def _nested(rng: random.Random) -> str:
    """Deep or repeated constructs, on which parsers spend much time or stack."""
    opening, closing = rng.choice(
        [("(", ")"), ("DATE(", ")"), ("STRUCT(", ")"), ("- ", ""), ("NOT ", ""), ("CASE WHEN ", ""), ("CAST(", " AS CHAR)"),
         ("(SELECT ", ")"), ("ARRAY[", "]"), ("x -> ", ""), ("DECIMAL(", ")"), ("EXISTS (SELECT ", ")"), ("MAP(", ")")]
    )  # fmt: skip
    times = rng.choice([3, 20, 60, 400])
    if rng.random() < 0.3:
        return (
            "SELECT 1 FROM people"
            + rng.choice([" JOIN people", ", people", " UNION SELECT 1", " CROSS JOIN visits"]) * times
        )
    return f"SELECT {opening * times}1{closing * times}"
