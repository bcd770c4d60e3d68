"""An attacker who may write a rule: a binding's expression, a contract, an expectation, a model, the identity's settings.

Two walls, each tried alone: text reaches SQL through the allow-list only, and a session reads no file but its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from quality.conftest import GOOD, ORDERS, RUN, SCHEMAS, expectation, query, write_suite
from sources.conftest import Shop

from customer360.errors import Customer360Error, ProjectError, WarehouseError
from customer360.identity import load_identity_config
from customer360.project import TableName, load_project
from customer360.project.yaml_files import read_yaml
from customer360.quality import AuditedTable, audit
from customer360.warehouse.duckdb_session import confine, connect
from customer360.warehouse.local import LocalWarehouse

# What would read a file, reach the network, load code or change the session, if it came through.
EXPRESSIONS = [
    "read_text('/etc/passwd')", "read_blob('/etc/passwd')", "getenv('HOME')", "current_setting('temp_directory')",
    "(SELECT content FROM read_text('/etc/passwd'))", "ARRAY(SELECT * FROM `/etc/passwd`)", "query('SELECT 1')",
    "query_table('x')", "getvariable('remote_password')", "note); COPY (SELECT 1) TO '/tmp/owned'; --",
    "note FROM x; ATTACH '/tmp/owned.db'", "note /*", "1; LOAD httpfs", "version()", "ERROR('stop')", "nextval('x')",
    "which_secret('s3://x', 's3')", "x'41'::BLOB", "EXTERNAL_QUERY('c', 'SELECT 1')", "@@global.x", "SESSION_USER()",
    "NET.HOST('x')", "KEYS.NEW_KEYSET('AEAD_AES_GCM_256')", "ML.PREDICT(MODEL m, TABLE t)", "`other`.`fn`(1)",
    "postgres_query('remote', 'SELECT 1')", "pragma_version()", "note COLLATE 'x'", "*", "orders.note",
]  # fmt: skip
QUERIES = [
    "SELECT * FROM '/etc/passwd'", "SELECT * FROM `/etc/passwd`", "SELECT * FROM `/etc/passwd`.`csv`",
    "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM glob('/*')", "ATTACH '/tmp/x.db' AS x", "INSTALL httpfs",
    "LOAD httpfs", "PRAGMA database_list", "COPY core.orders TO '/tmp/owned'", "SET enable_external_access = true",
    "SELECT 1; DROP TABLE core.orders", "CREATE TABLE core.x AS SELECT 1 AS a", "DELETE FROM core.orders WHERE true",
    "EXPORT DATABASE '/tmp/owned'", "CALL ducklake_snapshots('lake')", "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM information_schema.tables", "SELECT * FROM lake.core.orders",
    "SELECT * FROM core.orders FOR SYSTEM_TIME AS OF TIMESTAMP '2020-01-01'", "EXECUTE IMMEDIATE 'SELECT 1'",
    "BEGIN TRANSACTION", "EXPORT DATA OPTIONS(uri='gs://x/*') AS SELECT 1", "LOAD DATA INTO core.x FROM FILES()",
    "SELECT * FROM `ops.loads`", "SELECT * FROM EXTERNAL_QUERY('c', 'SELECT 1')", "WITH RECURSIVE a AS (SELECT 1) SELECT 1",
]  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWarehouse]:
    """Nobody changes it: that is what is tried."""
    warehouse = LocalWarehouse(tmp_path_factory.mktemp("rules") / "lake", schemas=SCHEMAS)
    warehouse.write(ORDERS, GOOD)
    yield warehouse
    warehouse.close()


@pytest.mark.parametrize("text", EXPRESSIONS)
@pytest.mark.parametrize("place", ["columns: {{note: {0}}}", "where: {0}", "distinct: {{by: [order_id], latest: {0}}}"])
def test_an_expression_off_the_list_never_reaches_sql(shop: Shop, place: str, text: str) -> None:
    quoted = "'" + text.replace("'", "''") + "'"
    with pytest.raises(ProjectError):
        shop.bind("files: ${FILES}/*.csv\nformat: csv\nload: snapshot\n" + place.format(quoted))


@pytest.mark.parametrize("text", QUERIES)
def test_a_query_is_one_select_over_declared_tables(lake: LocalWarehouse, text: str) -> None:
    with pytest.raises(Customer360Error) as caught:
        lake.query(text)
    assert "root:" not in str(caught.value)
    assert lake.row_counts([ORDERS.name]) == {ORDERS.name: 6}


def test_a_file_is_no_table_even_where_its_path_has_two_parts(lake: LocalWarehouse, tmp_path: Path) -> None:
    """DuckDB would take "<folder>/secret"."csv" for the file secret.csv."""
    (tmp_path / "secret.csv").write_text("a\n1\n")
    assert duckdb.execute(f'SELECT * FROM "{tmp_path}/secret"."csv"').fetchall() == [(1,)]
    with pytest.raises(WarehouseError, match="there is no table"):
        lake.query(f"SELECT * FROM `{tmp_path}/secret`.`csv`")


# -- the second wall: SQL that came through all the same


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM '{0}/outside.csv'", "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_text('{0}/lake/link.csv')", "SELECT * FROM read_text('{0}/lake/../outside.csv')",
        "COPY (SELECT 1) TO '{0}/owned.csv'", "ATTACH '{0}/owned.db'",
        "INSTALL httpfs", "LOAD httpfs", "LOAD '{0}/x.duckdb_extension'", "SELECT * FROM 'https://127.0.0.1/x.csv'",
        "EXPORT DATABASE '{0}/owned'",
        "SET enable_external_access = true", "SET allowed_directories = ['/']", "SET allowed_paths = ['/etc/passwd']",
        "RESET enable_external_access", "IMPORT DATABASE '{0}'", "SET temp_directory = '/etc'",
    ],
)  # fmt: skip
def test_the_lakes_connection_reaches_nothing_but_the_lake(lake: LocalWarehouse, statement: str) -> None:
    folder = lake.folder.parent
    (folder / "outside.csv").write_text("a\n1\n")
    if not (lake.folder / "link.csv").is_symlink():
        (lake.folder / "link.csv").symlink_to(folder / "outside.csv")
    for connection in (lake.connection, lake.connection.cursor()):  # audits work on cursors
        with pytest.raises(duckdb.Error):
            connection.execute(statement.format(folder)).fetchall()
    assert not [*folder.glob("owned*")]


def test_files_of_sqlite_are_the_exception_that_docs_state(lake: LocalWarehouse) -> None:
    """DuckDB's SQLite scanner opens files by itself, whatever the session may read. Only the first wall is before it.
    When this fails, DuckDB has closed it: say so in docs/security.md."""
    other = lake.folder.parent / "other.sqlite"
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE IF NOT EXISTS t (a)")
    assert lake.connection.execute(f"SELECT * FROM sqlite_scan('{other}', 't')").fetchall() == []


def test_nor_does_one_that_reads_a_past_day(lake: LocalWarehouse) -> None:
    past = lake._open(snapshot=1)
    with pytest.raises(duckdb.PermissionException):
        past.execute("SELECT * FROM read_text('/etc/passwd')")
    past.close()


def test_a_load_reads_its_files_and_no_others(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session of a load, once it has begun: its own file is read, the one beside it is not."""
    from customer360.sources import mapping

    tried: list[str] = []
    whole = mapping.create_mapped

    def attack(session: duckdb.DuckDBPyConnection, *arguments: Any) -> Any:
        for path in ("/etc/passwd", f"{shop.folder}/files/b.txt", f"{shop.folder}/files/*"):
            try:
                session.execute("SELECT * FROM read_text(?)", [path]).fetchall()
            except duckdb.PermissionException:
                tried.append(path)
        return whole(session, *arguments)

    monkeypatch.setattr(mapping, "create_mapped", attack)
    shop.write("files/b.txt", "secret")
    shop.write("files/a.csv", "order_id,line,placed_at,quantity,amount\no1,1,2024-06-30,2,1\n")
    assert shop.load("files: ${FILES}/*.csv\nformat: csv\nload: snapshot\n").rows_loaded == 1
    assert len(tried) == 3


def test_no_session_fetches_an_extension(tmp_path: Path) -> None:
    session = connect()
    names = ("autoinstall_known_extensions", "autoload_known_extensions")
    assert [session.execute(f"SELECT current_setting('{name}')").fetchone() for name in names] == [(False,)] * 2
    with pytest.raises(duckdb.Error):
        session.execute("SELECT * FROM 'https://127.0.0.1:1/x.parquet'")
    allowed = tmp_path / "a[1].csv"
    allowed.write_text("a\n7\n")
    confine(session, files=[allowed])
    assert session.execute("FROM read_csv(?)", [f"{tmp_path}/a[[]1].csv"]).fetchall() == [(7,)]


# -- expectations


@pytest.fixture
def check(lake: LocalWarehouse, tmp_path: Path) -> Callable[[dict[str, Any]], str]:
    """What the audit says of one expectation."""

    def run(wanted: dict[str, Any]) -> str:
        write_suite(tmp_path, ORDERS.name, [wanted], key=["order_id"])
        tables = [AuditedTable(ORDERS, ORDERS.name)]
        report = audit(tables, warehouse=lake, suites=tmp_path, run=RUN, parameters={}, renames={}, schemas=SCHEMAS)
        return "; ".join(result.error or "no error" for result in report.results)

    return run


@pytest.mark.parametrize(
    "wanted",
    [
        query("SELECT * FROM {batch} WHERE order_id IN (SELECT content FROM read_text('/etc/passwd'))"),
        query("SELECT * FROM {batch}; ATTACH '/tmp/owned.db'"),
        query("SELECT * FROM `/etc/passwd`.`csv`"),
        *(
            expectation("expect_column_values_to_not_be_null", column="order_id", row_condition=condition, condition_parser=parser)
            for condition in ("1 = 1; ATTACH '/tmp/owned.db'", "order_id = (SELECT content FROM read_text('/etc/passwd'))")
            for parser in ("great_expectations", "great_expectations__experimental__", "pandas", "spark")
        ),
        expectation("expect_column_values_to_not_be_null", column='order_id" IS NULL OR read_text(\'/etc/passwd\') --'),
        expectation("expect_column_values_to_be_in_set", column="order_id; ATTACH '/tmp/owned.db'", value_set=["x"]),
    ],
)  # fmt: skip
def test_an_expectation_that_is_more_than_a_check_is_a_failure(
    check: Callable[[dict[str, Any]], str], wanted: dict[str, Any]
) -> None:
    said = check(wanted)
    assert said and "no error" not in said
    assert "root:" not in said
    assert not Path("/tmp/owned.db").exists()


def test_values_of_an_expectation_are_values(check: Callable[[dict[str, Any]], str]) -> None:
    hostile = ["x' OR 1 = 1; ATTACH '/tmp/owned.db'; --", ":name", "{batch}", "%s"]
    assert (
        check(expectation("expect_column_values_to_not_be_in_set", column="customer", value_set=hostile)) == "no error"
    )
    assert not Path("/tmp/owned.db").exists()


# -- contracts and other YAML


@pytest.mark.parametrize(
    "change",
    [
        {"pattern": "' || (SELECT content FROM read_text('/etc/passwd')) || '"},
        {"allowed": ("') OR 1 = 1; DROP TABLE source; --",)},
        {"pattern": "(a+)+$"},  # no regular expression of DuckDB's takes more than its text's length
    ],
)
def test_a_check_of_a_contract_is_a_value(shop: Shop, change: dict[str, Any]) -> None:
    columns = [replace(c, **change) if c.name == "note" else c for c in shop.contract.spec.columns]
    shop.contract = replace(shop.contract, spec=replace(shop.contract.spec, columns=tuple(columns)))
    note = "a" * 50_000 + "b"
    shop.write("files/a.csv", f"order_id,line,placed_at,quantity,amount,note\no1,1,2024-06-30,2,1,{note}\n")
    result = shop.load("files: ${FILES}/*.csv\nformat: csv\nload: snapshot\n")
    assert (result.rows_loaded, result.cells_quarantined) == (1, 1)


@pytest.mark.parametrize("bound", ["0; DROP TABLE source", "(SELECT 1)", "1) OR (1 = 1"])
def test_a_bound_of_a_contract_is_a_value(shop: Shop, bound: str) -> None:
    columns = [replace(c, minimum=bound) if c.name == "score" else c for c in shop.contract.spec.columns]
    shop.contract = replace(shop.contract, spec=replace(shop.contract.spec, columns=tuple(columns)))
    shop.write("files/a.csv", "order_id,line,placed_at,quantity,amount,score\no1,1,2024-06-30,2,1,3\n")
    with pytest.raises(Customer360Error, match="Could not convert"):
        shop.load("files: ${FILES}/*.csv\nformat: csv\nload: snapshot\n")


def project(root: Path, *, name: str = "a", extra: str = "") -> Path:
    folder = root / "sql" / "staging" / "stg_x"
    folder.mkdir(parents=True)
    (folder / "query.sql").write_text("SELECT 1 AS a")
    (folder / "model.yaml").write_text(
        f"description: One row per x.\nowner: o\n{extra}columns:\n  - {{name: {name}, type: INT64, description: d}}\n"
    )
    return root


@pytest.mark.parametrize("name", ["'a\" INT64); DROP TABLE x; --'", "'a b'", "'1a'", "'a`'", "''", "'é'"])
def test_a_column_is_named_by_a_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectError, match="is no name of a column"):
        load_project(project(tmp_path, name=name))


def test_a_type_is_a_type(tmp_path: Path) -> None:
    root = project(tmp_path)
    file = root / "sql" / "staging" / "stg_x" / "model.yaml"
    file.write_text(file.read_text().replace("INT64", "'INT64); DROP TABLE x; --'"))
    with pytest.raises(ProjectError, match="column a"):
        load_project(root)


LAUGHS = "a: &a [lol, lol]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
YAML = [
    (LAUGHS, r"\*a is an alias .*write it out"),
    ("a: &a [*a]", r"\*a is an alias"),
    ("a: " + "[" * 200_000 + "]" * 200_000, "is nested more than 50 levels deep"),
    ("- " * 200_000 + "x", "is nested more than 50 levels deep"),
    ("a: " + "{a: " * 200_000 + "}" * 200_000, "is nested more than 50 levels deep"),
    ("!!python/object/apply:os.system ['touch /tmp/owned']", "not YAML: could not determine a constructor"),
    ("a: !!python/name:os.system", "not YAML"),
    (b"\xff\xfe", "not UTF-8|not YAML"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), YAML, ids=range(len(YAML)))
def test_yaml_is_plain_data(tmp_path: Path, text: str | bytes, message: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ProjectError, match=message):
        read_yaml(file)
    assert not Path("/tmp/owned").exists()


def test_every_yaml_file_is_read_so(shop: Shop, tmp_path: Path) -> None:
    """Bindings, models, the identity's settings, example.yaml: whichever of them laughs is refused."""
    from customer360.orchestration.example import load_example
    from customer360.sources import load_bindings

    for name, read in (
        ("crm.yaml", lambda: load_bindings(tmp_path / "y", shop.project)),
        ("identity.yaml", lambda: load_identity_config(tmp_path / "y" / "identity.yaml")),
        ("example.yaml", lambda: load_example(replace(shop.settings, sources=tmp_path / "y"))),
    ):
        file = tmp_path / "y" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(LAUGHS)
        with pytest.raises(ProjectError, match="is an alias"):
            read()
        file.unlink()
    with pytest.raises(ProjectError, match="is an alias"):
        load_project(project(tmp_path / "p", extra="labels: &a [*a]\n"))


@pytest.mark.parametrize(
    "text",
    ['placeholders: ["\'); DROP TABLE x; --"]', 'trust: ["x\' OR 1 = 1 --"]'],
)
def test_texts_of_the_identity_are_parameters(tmp_path: Path, lake: LocalWarehouse, text: str) -> None:
    (tmp_path / "identity.yaml").write_text(text)
    config = load_identity_config(tmp_path / "identity.yaml")
    rows = lake.query(
        "SELECT x FROM UNNEST(ARRAY_CONCAT(@placeholders, @trusted_systems)) AS x", parameters=config.parameters
    )
    assert rows.num_rows == len(config.placeholders) + len(config.trust)


@pytest.mark.parametrize(
    "text", ['identifiers: {"E\'; --": 5}', 'combinations: [["A\') OR (1 = 1"]]', 'phone_country: "D\'; --"']
)
def test_types_of_the_identity_are_names(tmp_path: Path, text: str) -> None:
    (tmp_path / "identity.yaml").write_text(text)
    with pytest.raises(ProjectError):
        load_identity_config(tmp_path / "identity.yaml")


def test_a_name_of_a_table_is_one() -> None:
    for text in ('marts.a"; DROP TABLE x', "marts.a/../b", "a.b.c", "Marts.x", "marts.x y"):
        with pytest.raises(ValueError, match="is not dataset"):
            TableName.parse(text)
