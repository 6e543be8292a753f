"""Mirrors angarium/cli/suppress*.py, beside a server that does not run; and service/platform/suppression_answers.py."""

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.cli.main import run
from angarium.config.schema import Queue
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.suppressions import (
    AddSuppressions,
    ListSuppressions,
    RemoveSuppressions,
    SuppressedAddress,
)
from angarium.insight.csv_text import harmless, plain
from angarium.insight.suppression_csv import (
    RowError,
    find_layout,
    read_rows,
    row_of,
)
from angarium.queue import LmdbSpool, SuppressionFilter, UnixMs
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.suppressions import EVERYBODY, Suppression, parse_scope
from angarium.queue.wall_clock import wall_clock
from angarium.service.platform.suppression_answers import SuppressionAnswers
from tests.queue.samples import FakeClock

NOW = UnixMs(1_800_000_000_000)


class Cli:
    def __init__(self, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config = config
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        found = run(["suppress", *arguments, "--config", str(self.config)])
        output = self._capsys.readouterr()
        assert found == code, output.out + output.err
        return output.out + output.err

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code))

    def emails(self, *arguments: str) -> list[str]:
        return [each["email"] for each in self.json("list", *arguments)["suppressions"]]

    def log(self) -> list[dict[str, Any]]:
        run(["log", "--json", "--config", str(self.config)])
        return [json.loads(each) for each in self._capsys.readouterr().out.splitlines()]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    config = tmp_path / "angarium.toml"
    config.write_text('[server]\nhostname = "mx1.example.com"\ndata_dir = "data"\n')

    async def make() -> None:
        spool = LmdbSpool.open(tmp_path / "data" / "queue", Queue(min_free_octets=0), wall_clock)
        spool.close()

    asyncio.run(make())
    return Cli(config, capsys)


def test_what_is_added_is_listed_shown_and_removed(cli: Cli) -> None:
    assert "nothing is suppressed" in cli("list")
    cli("add", "Bob@example.net", "--evidence", "by phone", "--why", "they asked")
    (row,) = cli.json("list")["suppressions"]
    assert row["added_at"].endswith("Z")
    del row["added_at"]
    assert row == {
        "email": "Bob@example.net",
        "scope": "all",
        "reason": "manual",
        "expires_at": None,
        "evidence": "by phone",
        "reference": "",
    }
    assert "Bob@example.net is suppressed for all mail: manual, for ever" in cli(
        "show", "bob@EXAMPLE.net"
    )
    cli("remove", "bob@example.net")
    assert cli.emails() == []
    events = [(each["event"], each.get("reason", "")) for each in cli.log()]
    assert events == [("suppression_added", "they asked"), ("suppression_removed", "")]
    assert all(each["actor"] for each in cli.log())


def test_what_is_not_there_is_a_message_and_an_exit_code(cli: Cli) -> None:
    assert "bob@example.net is not suppressed" in cli("show", "bob@example.net", code=66)
    assert "bob@example.net: not suppressed" in cli("remove", "bob@example.net", code=66)
    assert cli.json("show", "bob@example.net", code=66)["suppressions"] == []
    cli("add", "bob@example.net", "--scope", "tenant:acme")
    assert "not suppressed for all" in cli("remove", "bob@example.net", "--scope", "all", code=66)
    assert cli.emails() == ["bob@example.net"]
    answer = cli.json("remove", "bob@example.net", "eve@example.net", code=66)
    assert answer["missing"] == ["eve@example.net"]
    assert [each["scope"] for each in answer["removed"]] == ["tenant:acme"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add", "bob"], "'bob' is no address"),
        (["add", "bob@example.net", "--scope", "acme"], "tenant:NAME"),
        (["add", "bob@example.net", "--reason", "because"], "because"),
        (["list", "--domain", "b\u2024d"], "no domain"),
        (["list", "--after", "xyz"], "no cursor"),
        (["import", "FILE", "--column", "who=What"], "OURS=THEIRS"),
    ],
)
def test_what_is_wrong_is_named(cli: Cli, arguments: list[str], says: str) -> None:
    file = cli.config.with_name("file.csv")
    file.write_text("email\n")
    said = cli(*[str(file) if each == "FILE" else each for each in arguments], code=64)
    assert says in said


def test_filters_and_pages(cli: Cli) -> None:
    cli("add", "ann@a.example", "bob@a.example", "ann@b.example")
    cli("add", "eve@b.example", "--scope", "tenant:acme/stream:news", "--reason", "complaint")
    assert cli.emails("--domain", "A.example") == ["ann@a.example", "bob@a.example"]
    assert cli.emails("--prefix", "ann@") == ["ann@a.example", "ann@b.example"]
    assert cli.emails("--reason", "complaint") == ["eve@b.example"]
    assert cli.emails("--scope", "tenant:acme/stream:news") == ["eve@b.example"]
    first = cli.json("list", "--limit", "3")
    assert first["count"] == 3
    rest = cli.json("list", "--limit", "3", "--after", first["next"])
    assert (rest["count"], rest["next"]) == (1, None)
    assert "more: --after" in cli("list", "--limit", "3")


def test_what_expires_says_when(cli: Cli) -> None:
    cli("add", "bob@example.net", "--for", "30d")
    (row,) = cli.json("list")["suppressions"]
    assert row["added_at"] < row["expires_at"]
    assert "until 20" in cli("show", "bob@example.net")


def test_what_is_exported_is_imported_as_it_was(cli: Cli, tmp_path: Path) -> None:
    cli("add", "+1@example.net", "=cmd|x@example.net", "'=q@example.net", "--evidence", '=1+1,"x"')
    cli("add", "bob@example.net", "--for", "30d", "--scope", "tenant:acme", "--reason", "complaint")
    rows = cli.json("list")["suppressions"]
    file = tmp_path / "out.csv"
    cli("export", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    for line in csv.reader(io.StringIO(file.read_text())):
        assert not any(cell[:1] in tuple("=+-@\t\r") for cell in line)
    cli("remove", *[each["email"] for each in rows])
    answer = cli.json("import", str(file))
    assert answer == {"rows": 4, "added": 4, "unchanged": 0, "wrong": 0}
    again = cli.json("list")["suppressions"]
    for each in (*rows, *again):
        del each["reference"]
    assert again == rows
    assert cli.json("import", str(file))["unchanged"] == 4
    lines = cli("export", "--json").splitlines()
    assert [json.loads(each)["email"] for each in lines] == [each["email"] for each in rows]


def test_an_import_takes_nothing_where_a_line_is_wrong(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text(
        "Email Address;Reason;Created\nbob@example.net;complaint;2026-01-02\nbob;;\n\n"
        "eve@example.net;because;\nann@example.net;manual;yesterday\ncarol@example.net;;1767312000\n"
    )
    said = cli("import", str(file), code=65)
    assert "line 3: 'bob' is no address" in said
    assert "line 5: 'because' is no reason" in said
    assert "line 6: added_at 'yesterday' is no time" in said
    assert "nothing was imported" in said
    assert cli.emails() == []
    cli("import", str(file), "--skip-wrong", code=65)
    rows = {each["email"]: each for each in cli.json("list")["suppressions"]}
    assert set(rows) == {"bob@example.net", "carol@example.net"}
    assert rows["bob@example.net"]["reason"] == "complaint"
    assert rows["bob@example.net"]["added_at"] == "2026-01-02T00:00:00.000Z"
    assert rows["carol@example.net"]["reason"] == "import"
    assert rows["carol@example.net"]["added_at"] == "2026-01-02T00:00:00.000Z"


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("name,mail2\nbob,bob@example.net\n", 65, "--column email=NAME"),
        ("bob@example.net\neve@example.net\n", 0, "2 addresses"),
        ("\ufeffEMAIL\tother\nbob@example.net\tx\n", 0, "1 addresses"),
        ("email\n", 0, "0 addresses"),
        ("", 65, "--column email=NAME"),
        ('email\n"bob@example.net\n' + "x" * 70_000 + "\n", 65, "line 2"),
    ],
)
def test_files_of_others(cli: Cli, tmp_path: Path, text: str, code: int, says: str) -> None:
    file = tmp_path / "in.csv"
    file.write_text(text)
    assert says in cli("import", str(file), code=code)


def test_columns_are_mapped_by_hand(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("name,who\nx,bob@example.net\n")
    cli("import", str(file), "--column", "email=who", "--column", "evidence=name")
    (row,) = cli.json("list")["suppressions"]
    assert (row["email"], row["evidence"]) == ("bob@example.net", "x")
    assert "no column 'whom'" in cli("import", str(file), "--column", "email=whom", code=65)
    file.write_bytes(b"email\nb\xffb@example.net\n")
    assert "not UTF-8" in cli("import", str(file), code=65)
    assert "No such file" in cli("import", str(tmp_path / "none.csv"), code=66)


@given(st.text())
def test_no_cell_is_a_formula_and_each_comes_back(cell: str) -> None:
    written = harmless(cell)
    assert written[:1] not in tuple("=+-@\t\r") or not written
    assert plain(written) == cell


@given(st.lists(st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), max_size=40)))
def test_evidence_of_any_kind_comes_back(texts: list[str]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    each = Suppression(email="a@b.example", reason="manual", added_at=NOW)
    kept = [text.strip() for text in texts]
    writer.writerow(("email", "scope", "reason", "added_at", "expires_at", "evidence"))
    for text in kept:
        writer.writerow(row_of(Suppression(**{**_fields(each), "evidence": text})))
    out.seek(0)
    layout = find_layout("email,scope,reason,added_at,expires_at,evidence", {})
    found = [row for _, row in read_rows(out, layout, NOW)]
    assert not [row for row in found if isinstance(row, RowError)]
    assert [row.evidence for row in found if isinstance(row, Suppression)] == kept


def _fields(each: Suppression) -> dict[str, Any]:
    return {name: getattr(each, name) for name in each.__struct_fields__}


class Asked:
    name = "root"


async def test_the_server_answers_the_same() -> None:
    spool = MemorySpool(FakeClock(), 2)
    answers = SuppressionAnswers(spool.suppressions)
    asker: Any = Asked()
    rows = tuple(
        Suppression(email=f"u{n}@a.example", reason="manual", added_at=NOW) for n in range(600)
    )
    added = await answers.add(AddSuppressions(suppressions=rows, reason="why"), asker)
    assert not isinstance(added, Refused)
    assert added.done == (True,) * 600
    page = await answers.list_some(ListSuppressions(SuppressionFilter(), limit=5000), asker)
    assert not isinstance(page, Refused)
    assert len(page.suppressions) == 600
    gone = (SuppressedAddress(email="u1@a.example", scope=EVERYBODY),) * 2
    removed = await answers.remove(RemoveSuppressions(addresses=gone), asker)
    assert not isinstance(removed, Refused)
    assert removed.done == (True, False)
    event = spool.events.read(0, 1)[0].event
    assert (getattr(event, "actor", ""), getattr(event, "reason", "")) == ("root", "why")
    bad = (Suppression(email="bob", scope=parse_scope("all"), reason="manual", added_at=NOW),)
    refused = await answers.add(AddSuppressions(suppressions=bad), asker)
    assert isinstance(refused, Refused)
    assert refused.reason == "invalid"
    asked = ListSuppressions(SuppressionFilter(email="bob"))
    assert isinstance(await answers.list_some(asked, asker), Refused)
