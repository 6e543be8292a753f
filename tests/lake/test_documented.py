"""docs/lake.md: its table is that of the columns, and each of its reports is answered."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.lake.columns import COLUMNS
from tests.history.samples import Log
from tests.lake.conftest import House

PAGE = (Path(__file__).parents[2] / "docs/lake.md").read_text()
REPORTS = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
# What is nobody's in a lake of a few messages
EMPTY = ("FROM events\nWHERE message_id",)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    import time

    from angarium.queue.about import About

    log = Log()
    log.clock.now = time.time_ns() // 1_000_000 - 3_600_000
    about = About(template_id="tpl_1", template_version=2)
    for number in range(4):
        message_id = log.accept(f"u{number}@example.net", tenant="a", campaign="c", about=about)
        for name in ("deferred", "delivered" if number else "bounced", "complained"):
            log.happen(name, message_id)
        log.happen("opened", message_id, verdict="human")
        log.happen("clicked", message_id, verdict="human", link="https://x.example/", link_number=0)
    found = House(tmp_path_factory.mktemp("documented"), log)
    found.catch_up()
    yield found
    found.close()


def test_the_columns_are_those_of_the_files(house: House) -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([A-Z_\[\]]+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert rows == [(each.name, each.type, each.meaning) for each in COLUMNS]
    told = house.ask("SELECT column_name FROM (DESCRIBE events)")
    assert [name for (name,) in told] == [each.name for each in COLUMNS]


def test_there_are_reports() -> None:
    assert len(REPORTS) >= 12


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(REPORTS)))
def test_a_report_is_answered(house: House, number: int) -> None:
    sql = REPORTS[number]
    rows = house.ask(sql, "a")
    assert bool(rows) != any(each in sql for each in EMPTY)
