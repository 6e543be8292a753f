"""Mirrors angarium/cli/report."""

import csv
import io
from pathlib import Path

import pytest

from angarium.cli.exit import EX_CANTCREAT, EX_IOERR, EX_USAGE
from angarium.history.database import HistoryDatabase
from angarium.history.projection import Projection
from angarium.queue.message_id import message_id_text
from tests.analytics.conftest import Counted
from tests.cli.test_tenancy import Shell
from tests.history.samples import QUEUE, Log


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(tmp_path, capsys)
    shell.data.mkdir(mode=0o700)
    return shell


@pytest.fixture
def log(shell: Shell) -> Log:
    """One mail that was read, on disk as the server keeps it. It is of 2026-01-01."""
    log = Log()
    log.clock.now = 1_767_268_800_000  # 2026-01-01T12:00:00Z
    message_id = log.accept("=reader@example.net", campaign="spring")
    log.happen("delivered", message_id)
    log.happen("opened", message_id, verdict="human")
    log.happen("clicked", message_id, verdict="human", link="https://example.com/a")
    counted = Counted(shell.data, log)
    counted.catch_up()
    counted.close()
    database = HistoryDatabase("sqlite:///history.db", shell.data)
    projection = Projection(database, keeps=lambda _: True)
    projection.begin(QUEUE, log.last)
    projection.write(log.positions)
    database.close()
    return log


def test_a_day_is_shown_as_text_as_json_and_as_a_page(shell: Shell, log: Log) -> None:
    day = "2026-01-01"
    assert shell.run(f"report day {day}").startswith(f"Mail on {day}\n")
    told = shell.json(f"report day {day} --tenant default")
    assert (told["day"], told["tenant"]) == (day, "default")
    assert (told["total"]["accepted"], told["total"]["clicked_human"]) == (1, 1)
    assert [each["key"] for each in told["campaigns"]] == ["spring"]
    page = shell.folder / "day.html"
    assert shell.run(f"report day {day} --html {page}") == ""
    assert "<h2" in page.read_text()
    assert "day.html" in shell.run(f"report day {day} --html {page}/x.html", EX_CANTCREAT)
    assert "yesterday" in shell.run("report day soon", EX_USAGE)


def test_what_is_different_is_said_and_else_that_nothing_is(shell: Shell, log: Log) -> None:
    expected = "Nothing of 2026-01-01 is different from the days before.\n"
    assert shell.run("report insights 2026-01-01") == expected
    assert shell.json("report insights 2026-01-01") == {"day": "2026-01-01", "insights": []}


def test_readers_are_listed_with_what_they_did(shell: Shell, log: Log) -> None:
    (told,) = shell.lines("report readers --campaign spring")
    assert told["recipient"] == "=reader@example.net"
    assert (told["opened"], told["clicked"]) == (1, 1)
    assert told["links"] == ["https://example.com/a"]
    assert told["email_id"] == message_id_text(log.positions[0].event.message_id)
    assert shell.lines("report readers --campaign autumn") == []
    assert shell.run("report readers --tenant nobody") == "Nobody is known to have read any.\n"
    rows = list(csv.DictReader(io.StringIO(shell.run("report readers --csv"))))
    assert rows[0]["recipient"] == "'=reader@example.net"  # no formula
    assert rows[0]["links"] == "https://example.com/a"
    assert "choose one" in shell.run("report readers --csv --json", EX_USAGE)


def test_where_nothing_was_counted_that_is_said(shell: Shell) -> None:
    assert "nothing was counted yet" in shell.run("report day", EX_IOERR)
    assert "nothing was written yet" in shell.run("report readers", EX_IOERR)
