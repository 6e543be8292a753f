"""Mirrors angarium/lake/asking/child.py and running.py: hostile SQL costs its bounds at most, and finds nothing."""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from angarium.lake.asking.question import Answer, Ask, Bounds, Problem, Said
from angarium.lake.asking.running import run
from tests.history.samples import Log
from tests.lake.conftest import House, fill

BOUNDS = Bounds(
    seconds=3.0, memory_octets=256 * 1024 * 1024, threads=2, rows=1000, octets=1024 * 1024
)
SECRET = "the other tenant's own words"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    log = Log()
    fill(log, messages=40, hours=1, tenants=("a",))
    found = House(tmp_path_factory.mktemp("child"), log)
    found.catch_up()
    (found.data_dir / "secret.txt").write_text(SECRET)
    (found.folder.path / "secret.csv").write_text(f"a,b\n{SECRET},2\n")
    yield found
    found.close()


def ask(house: House, sql: str, **more: object) -> Said:
    files = tuple(str(house.folder.locate(each.path)) for each in house.files)
    return run(Ask(sql=sql.format(dir=house.data_dir), files=files, bounds=BOUNDS, **more))  # type: ignore[arg-type]


# What is to be refused, and with what word
FORBIDDEN = {
    "read_text": ("SELECT * FROM read_text('/etc/passwd')", "Permission"),
    "read_text-secret": ("SELECT * FROM read_text('{dir}/secret.txt')", "Permission"),
    "read_blob": ("SELECT * FROM read_blob('/proc/self/environ')", "Permission"),
    "read_csv": ("SELECT * FROM read_csv('{dir}/lake/secret.csv')", "Permission"),
    "sniff_csv": ("SELECT * FROM sniff_csv('{dir}/lake/secret.csv')", "Permission"),
    "replacement": ("SELECT * FROM '{dir}/lake/secret.csv'", "Permission"),
    "query": ("SELECT * FROM query('FROM read_text(''/etc/passwd'')')", "Permission"),
    "serialized": (
        "FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''/etc/passwd'')'))",
        "Permission",
    ),
    "glob": ("SELECT * FROM glob('{dir}/**')", "Permission"),
    "read_duckdb": ("SELECT * FROM read_duckdb('{dir}/lake/catalogue.db')", "Permission"),
    "http": ("SELECT * FROM read_parquet('http://127.0.0.1:1/x.parquet')", ""),
    "s3": ("SELECT * FROM read_parquet('s3://bucket/x.parquet')", ""),
    "attach": ("ATTACH '{dir}/x.db' AS x", "write a SELECT"),
    "copy-to": ("COPY events TO '{dir}/x.csv'", "write a SELECT"),
    "copy-from": ("COPY events FROM '{dir}/secret.txt'", "write a SELECT"),
    "export": ("EXPORT DATABASE '{dir}/x'", "write a SELECT"),
    "import": ("IMPORT DATABASE '{dir}/x'", "write a SELECT"),
    "install": ("INSTALL httpfs", "write a SELECT"),
    "load": ("LOAD '{dir}/secret.txt'", "write a SELECT"),
    "set": ("SET memory_limit = '100GB'", "write a SELECT"),
    "reset": ("RESET lock_configuration", "write a SELECT"),
    "pragma": ("PRAGMA enable_external_access", "write a SELECT"),
    "call": ("CALL pragma_version()", "write a SELECT"),
    "create": ("CREATE TABLE x AS SELECT 1", "write a SELECT"),
    "drop": ("DROP VIEW events", "write a SELECT"),
    "secret": ("CREATE SECRET x (TYPE s3)", "write a SELECT"),
    "two": ("SELECT 1; COPY events TO '{dir}/x.csv'", "one statement"),
    "two-commented": ("SELECT 1; /* */ ATTACH '{dir}/x.db'", "one statement"),
    "none": ("-- nothing", "one statement"),
    "getenv": ("SELECT getenv('HOME')", "does not exist"),
    "writing-cte": ("WITH x AS (DELETE FROM events RETURNING *) SELECT * FROM x", ""),
    "broken": ("SELECT 'unterminated", "Parser Error"),
    "deep": ("SELECT " + "(" * 20_000 + "1" + ")" * 20_000, ""),
}


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_nothing_but_the_rows_is_reached(house: House, name: str) -> None:
    sql, word = FORBIDDEN[name]
    before = sorted(house.data_dir.rglob("*"))
    said = ask(house, sql)
    assert isinstance(said, Problem), said
    assert word in said.text
    assert SECRET not in said.text
    assert sorted(house.data_dir.rglob("*")) == before


# What would cost more than it may
COSTLY = {
    "cross-join": "SELECT sum(x * y) FROM range(9000000) a(x), range(9000000) b(y), events",
    "recursion": "WITH RECURSIVE r AS (SELECT 1 x UNION ALL SELECT x + 1 FROM r) SELECT count(*) FROM r",
    "growing": "WITH RECURSIVE r AS (SELECT 'x' x UNION ALL SELECT x || x FROM r) SELECT max(length(x)) FROM r",
    "series": "SELECT sum(sin(x)) FROM range(0, 1000000000000000000) t(x)",
    "series-sorted": "SELECT x FROM generate_series(1, 10000000000) t(x) ORDER BY x DESC",
    "repeat": "SELECT length(repeat('x', 1000000000000))",
    "repeat-4g": "SELECT length(repeat('x', 4000000000))",
    "string_agg": "SELECT length(string_agg(repeat('x', 1000000), '')) FROM range(100000)",
    "list": "SELECT list(x) FROM range(10000000000) t(x)",
    "array": "SELECT range(1000000000)",
    "lists": "SELECT list_transform(range(10000000), lambda x: range(1000))",
    "groups": "SELECT count(*) FROM (SELECT x, count(*) FROM range(10000000000) t(x) GROUP BY x)",
    "distinct": "SELECT count(DISTINCT x) FROM range(10000000000) t(x)",
    "window": "SELECT sum(x) OVER (ORDER BY -x) FROM range(10000000000) t(x)",
}


@pytest.mark.parametrize("name", sorted(COSTLY))
def test_what_costs_too_much_is_ended(house: House, name: str) -> None:
    began = time.monotonic()
    children = _memory_of_children()
    said = ask(house, COSTLY[name])
    assert isinstance(said, Problem), said
    assert said.kind in ("time", "memory", "sql")
    assert time.monotonic() - began < BOUNDS.seconds + 15
    # Of the largest that has ended: what DuckDB may have, and what a process has besides
    assert _memory_of_children() <= max(children, BOUNDS.memory_octets + 1024 * 1024 * 1024)


def test_answers_are_cut_at_their_bounds(house: House) -> None:
    said = ask(house, "SELECT x FROM range(5000) t(x)")
    assert isinstance(said, Answer)
    assert (said.count, said.is_cut) == (1000, True)
    said = ask(house, "SELECT repeat('x', 100000) FROM range(500)")
    assert isinstance(said, Answer)
    assert said.is_cut
    assert len(said.rows) < BOUNDS.octets + 100
    said = ask(house, "SELECT x FROM range(1000) t(x)")
    assert isinstance(said, Answer)
    assert (said.count, said.is_cut) == (1000, False)


def test_settings_stay_as_they_are_and_say_nothing_of_others(house: House) -> None:
    said = ask(house, "SELECT current_setting('allowed_paths')")
    assert isinstance(said, Answer)
    [[paths]] = msgspec.json.decode(said.rows)
    assert paths == [str(house.folder.locate(each.path)) for each in house.files]
    sql = "SELECT name, value FROM duckdb_settings() WHERE name IN ('lock_configuration', 'enable_external_access')"
    said = ask(house, f"{sql} ORDER BY name")
    assert isinstance(said, Answer)
    assert msgspec.json.decode(said.rows) == [
        ["enable_external_access", "false"],
        ["lock_configuration", "true"],
    ]


def test_values_are_written_as_json_has_them(house: House) -> None:
    sql = (
        "SELECT 1, 2.5, 'NaN'::DOUBLE, 'x', NULL, TIMESTAMP '2026-11-30 10:00:00', DATE '2026-11-30', [1, 2],"
        " {{'a': 1}}, 'ab'::BLOB, true, 170141183460469231731687303715884105727, 1.25::DECIMAL(9,2),"
        " INTERVAL 1 DAY, uuid '018bcfe5-6800-75b1-a522-4a58b791f1d8'"
    )
    said = ask(house, sql)
    assert isinstance(said, Answer), said
    assert msgspec.json.decode(said.rows) == [
        [
            *(1, 2.5, None, "x", None, "2026-11-30T10:00:00Z", "2026-11-30", [1, 2], {"a": 1}),
            *("6162", True, 170141183460469231731687303715884105727, 1.25),
            *("1 day, 0:00:00", "018bcfe5-6800-75b1-a522-4a58b791f1d8"),
        ]
    ]


def test_a_file_is_made_of_an_answer_and_nowhere_else(house: House, tmp_path: Path) -> None:
    target = tmp_path / "answer.parquet"
    said = ask(
        house,
        "SELECT event, count(*) AS n FROM events GROUP BY ALL -- by event",
        target=str(target),
    )
    assert isinstance(said, Answer), said
    found = house.engine.ask(f"SELECT * FROM read_parquet('{target}') ORDER BY ALL")
    assert found == [("accepted", 40), ("delivered", 40)]
    assert [each.name for each in tmp_path.iterdir()] == ["answer.parquet"]


def test_a_file_that_is_too_large_is_an_error(house: House, tmp_path: Path) -> None:
    said = ask(house, "SELECT uuid() FROM range(1000000)", target=str(tmp_path / "x.parquet"))
    assert isinstance(said, Problem), said
    assert said.kind in ("size", "sql", "memory")


def test_this_kernel_confines_it(house: House) -> None:
    """What that means is told by the tests of the sandbox."""
    said = ask(house, "SELECT 1")
    assert isinstance(said, Answer)
    assert said.lacking == ()


def test_a_file_that_is_gone_is_said_so(house: House) -> None:
    files = (str(house.folder.path / "nothing.parquet"),)
    said = run(Ask(sql="SELECT * FROM events", files=files, bounds=BOUNDS))
    assert isinstance(said, Problem)
    assert said.kind == "gone"


def _memory_of_children() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
