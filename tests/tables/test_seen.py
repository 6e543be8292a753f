"""Mirrors angarium/tables/seen.py."""

import random
from pathlib import Path

import pytest

from angarium.tables import Seen
from tests.tables.tables_made import flaws, read, table


def test_each_address_has_its_first_line_however_many_there_are_tb5(tmp_path: Path) -> None:
    order = random.Random(5)
    model: dict[str, int] = {}
    with Seen(tmp_path, first_slots=16) as seen:
        for line in range(1, 6000):
            address = f"u{order.randrange(3000)}@example.com"
            assert seen.note(address, line) == model.get(address, 0)
            model.setdefault(address, line)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ann@example.com", "Ann@EXAMPLE.com", True),
        ("ann@bücher.example", "ann@xn--bcher-kva.example", True),
        ('"ann"@example.com', "ann@example.com", True),
        ("ann@example.com", "anna@example.com", False),
    ],
)
def test_addresses_are_compared_as_suppressions_are(one: str, other: str, same: bool) -> None:
    with Seen() as seen:
        assert seen.note(one, 2) == 0
        assert bool(seen.note(other, 3)) is same


def test_a_row_whose_address_was_there_says_where_and_the_first_one_stays(tmp_path: Path) -> None:
    octets = b"email,n\na@b.example,1\nb@b.example,2\nA@B.example,3\nwrong,4\nb@b.example,5\n"
    found = table(tmp_path / "t.csv", octets)
    with Seen(tmp_path) as seen:
        rows = read(found, seen=seen)
    assert [each.line for each in rows] == [2, 3, 4, 5, 6]
    assert getattr(rows[2], "reason", "") == "has the address of line 2 again"
    with Seen(tmp_path) as seen:
        assert flaws(found, seen) == [(4, "duplicate"), (5, "address"), (6, "duplicate")]


def test_its_file_has_no_name_and_goes_with_it(tmp_path: Path) -> None:
    with Seen(tmp_path) as seen:
        seen.note("a@b.example", 1)
        assert list(tmp_path.iterdir()) == []
