"""Mirrors angarium/campaigns/source.py: a file's rows behind any position, and only those that are wanted."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from angarium.campaigns.source import FileSource, Lot, SourceError, campaign_file
from angarium.tables import examine

TEXT = (
    "email,name\n"
    + "".join(f"r{at}@example.net,N{at}\n" for at in range(5))
    + "bad\nz@example.net,Z\n"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(TEXT)
    return path


@pytest.fixture
def open_source(path: Path) -> Iterator[Callable[..., FileSource]]:
    opened: list[FileSource] = []

    def open_(wanted: Callable[[], Iterator[int]] | None = None) -> FileSource:
        opened.append(FileSource(path, examine(path).layout, wanted))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


def lines(lot: Lot) -> list[int]:
    return [each.row.line for each in lot.rows]


def test_what_is_behind_a_position_is_the_same_whenever_it_is_read(
    open_source: Callable[..., FileSource],
) -> None:
    whole = open_source().read(b"", 100)
    assert (lines(whole), whole.is_last) == ([2, 3, 4, 5, 6, 7, 8], True)
    for at in range(len(whole.rows) - 1):
        begun = open_source()  # CPG1
        rest = begun.read(whole.rows[at].position, 100)
        assert rest.rows == whole.rows[at + 1 :]
    source = open_source()
    first = source.read(b"", 3)
    second = source.read(first.rows[-1].position, 3)
    assert (*first.rows, *second.rows) == whole.rows[:6]
    again = source.read(first.rows[0].position, 2)  # as after a batch that was not taken
    assert again.rows == whole.rows[1:3]


def test_only_wanted_lines_are_taken(open_source: Callable[..., FileSource]) -> None:
    def wanted() -> Iterator[int]:
        yield from (3, 7)

    source = open_source(wanted)
    first = source.read(b"", 1)
    assert (lines(first), first.is_last) == ([3], False)
    second = source.read(first.rows[-1].position, 1)
    assert (lines(second), second.is_last) == ([7], True)
    begun = open_source(wanted).read(first.rows[-1].position, 5)
    assert (lines(begun), begun.is_last) == ([7], True)


def test_a_file_that_is_gone_is_told(path: Path) -> None:
    source = FileSource(path, examine(path).layout)
    path.unlink()
    with pytest.raises(SourceError, match="cannot be read"):
        source.read(b"", 1)


def test_a_campaigns_file_has_its_name(tmp_path: Path) -> None:
    name = campaign_file(tmp_path, bytes(range(16))).name
    assert name == "00010203-0405-0607-0809-0a0b0c0d0e0f.csv"
