"""Mirrors angarium/lake/asking/answering.py: a tenant's question is answered from its own rows, whatever it asks."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from angarium.lake import compacting
from angarium.lake.asking.question import Answer, Problem
from angarium.lake.model import LakeAwayError
from tests.history.samples import Log
from tests.lake.conftest import House, fill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module", params=["parts", "own-files", "days"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    log = Log()
    fill(log, messages=40, hours=2, tenants=("a", "b"))
    log.tell_tenant(
        "hold_rule_added",
        "a",
        rule=1,
        sender="secret@b.example",
        domain="",
        provider="",
        campaign="",
    )
    found = House(tmp_path_factory.mktemp(request.param), log)
    found.catch_up(flush=17)
    if request.param != "parts":
        before = compacting.OWN_ROWS
        compacting.OWN_ROWS = 5  # type: ignore[misc]
        found.compact()
        if request.param == "days":
            compacting.OWN_ROWS = 1  # type: ignore[misc]
            found.compact_days()
        compacting.OWN_ROWS = before  # type: ignore[misc]
    yield found
    found.close()


def test_a_tenant_sees_its_own_events(house: House) -> None:
    """LQ1"""
    assert house.ask("SELECT tenant, count(*) FROM events GROUP BY ALL", "a") == [["a", 40]]
    assert house.ask("SELECT tenant, count(*) FROM events GROUP BY ALL", "b") == [["b", 40]]
    assert house.ask("SELECT count(*) FROM events", "nobody") == [[0]]
    assert house.ask("SELECT count(*) FROM events") == [[81]]


# That another tenant's rows, or the server's own, may come out of, also as errors
ESCAPES = {
    "union": "SELECT recipient FROM events UNION ALL SELECT recipient FROM main.events",
    "by-error": "SELECT count(*) FROM events WHERE CASE WHEN tenant <> 'a' THEN error(recipient) ELSE true END",
    "by-cast": "SELECT count(*) FROM events WHERE tenant <> 'a' AND recipient::INTEGER = 1",
    "by-division": "SELECT sum(1 / (CASE WHEN tenant = 'b' THEN 0 ELSE 1 END)) FROM events",
    "by-view": "SELECT sql FROM duckdb_views() WHERE view_name = 'events'",
    "by-statistics": "SELECT stats(recipient), stats(tenant) FROM events",
    "by-summary": "SUMMARIZE events",
    "by-describe": "DESCRIBE events",
    "by-tables": "SELECT * FROM information_schema.columns",
    "by-settings": "SELECT value FROM duckdb_settings()",
    "by-cache": "SELECT * FROM duckdb_external_file_cache()",
    "by-query": "SELECT * FROM query('SELECT recipient, tenant FROM events')",
    "by-injection": "SELECT * FROM events WHERE tenant = 'b' OR '1' = '1'",
}


@pytest.mark.parametrize("name", sorted(ESCAPES))
def test_nothing_of_another_tenant_comes_out(house: House, name: str) -> None:
    """LQ1"""
    said = house.say(ESCAPES[name], "a")
    text = said.rows.decode() if isinstance(said, Answer) else said.text
    assert "b.example" not in text
    assert '"b"' not in text


def test_no_file_with_rows_of_others_can_be_opened(house: House) -> None:
    """LQ1"""
    for each in house.files:
        path = house.folder.locate(each.path)
        for sql in (
            f"SELECT * FROM read_parquet('{path}')",
            f"SELECT * FROM '{path}'",
            f"SELECT * FROM parquet_metadata('{path}')",
            f"SELECT * FROM read_blob('{path}')",
        ):
            said = house.say(sql, "a")
            if each.tenant == "a":
                continue
            assert isinstance(said, Problem), sql
            assert "Permission Error" in said.text
    assert not [each for each in (house.folder.path / "tmp").iterdir() if each.is_dir()]


def test_a_tenants_name_is_no_sql(house: House) -> None:
    assert house.ask("SELECT count(*) FROM events", "a' OR '1' = '1") == [[0]]


def test_only_the_hours_that_are_asked_for_are_read(house: House) -> None:
    by_hour = (
        "SELECT epoch_ms(ts) // 3600000 AS hour, count(*) FROM events GROUP BY ALL ORDER BY ALL"
    )
    for tenant in (None, "a"):
        hours = house.ask(by_hour, tenant)
        assert len(hours) > 1
        for hour, count in hours:
            within = {"first_hour": hour, "end_hour": hour + 1}
            assert house.ask(by_hour, tenant, **within) == [[hour, count]]
        last = hours[-1][0]
        assert house.ask(by_hour, tenant, first_hour=last) == hours[-1:]
        assert house.ask(by_hour, tenant, end_hour=last) == hours[:-1]


def test_a_file_that_is_gone_amid_it_is_asked_for_again(house: House, log: Log) -> None:
    paths = [house.folder.locate(each.path) for each in house.files]
    hidden = [each.with_suffix(".hidden") for each in paths]
    for path, other in zip(paths, hidden, strict=True):
        path.rename(other)
    try:
        assert house.refused("SELECT count(*) FROM events").kind == "gone"
    finally:
        for path, other in zip(paths, hidden, strict=True):
            other.rename(path)
    assert house.ask("SELECT count(*) FROM events") == [[81]]


def test_where_there_is_no_lake_it_says_so(house: House, tmp_path: Path) -> None:
    empty = msgspec.structs.replace(
        house.config, lake=msgspec.structs.replace(house.config.lake, dir=str(tmp_path))
    )
    house_config, house.config = house.config, empty
    try:
        with pytest.raises(LakeAwayError):
            house.say("SELECT 1")
    finally:
        house.config = house_config
    assert house.refused("SELECT " + "1," * 40_000 + "1").kind == "sql"
