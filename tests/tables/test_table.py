"""Mirrors angarium/tables/table.py and records.py, on files."""

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from angarium.tables import BadRow, Position, Row, Seen, Table, TableError, Wish, examine
from angarium.tables import records as reading
from tests.tables.tables_made import addresses, flaws, read, table, written

HEADER = ["email", "name", "note"]
TEXT = "abc ,;\t|\"'\\\r\nÄéżя漢😀\x85\u2028\x0c\x1c="
CHARSETS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
NARROW = {"cp1252": "Äé", "cp1250": "Äż", "koi8-r": "я", "gb18030": "Äя漢😀", "cp932": "я漢"}
files = settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@st.composite
def dialects(draw: st.DrawFn) -> dict[str, Any]:
    escape = draw(st.sampled_from([None, "\\"]))
    return {
        "delimiter": draw(st.sampled_from(",;\t|:^")),
        "quotechar": draw(st.sampled_from("\"'")),
        "escapechar": escape,
        # Of 3.11 a writer that doubles does not escape its own escape character
        "doublequote": escape is None,
        "quoting": draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])),
        "lineterminator": draw(st.sampled_from(["\r\n", "\n", "\r"])),
    }


def wish_of(dialect: dict[str, Any], charset: str) -> Wish:
    return Wish(
        charset=charset,
        delimiter=dialect["delimiter"],
        quote=dialect["quotechar"],
        escape=dialect["escapechar"] or "",
    )


def letters(charset: str) -> str:
    common = "".join(each for each in TEXT if ord(each) < 0x80)
    return TEXT if charset.startswith("utf") else common + NARROW[charset]


@files
@given(st.data())
def test_what_a_writer_writes_comes_back_equal(tmp_path: Path, data: st.DataObject) -> None:
    dialect = data.draw(dialects())
    charset = data.draw(st.sampled_from([*CHARSETS, *NARROW]))
    cell = st.text(letters(charset), max_size=12)
    rows = data.draw(st.lists(st.tuples(cell, cell), max_size=8))
    octets = written(
        [HEADER, *([f"u{at}@example.com", *row] for at, row in enumerate(rows))], charset, **dialect
    )
    found = read(table(tmp_path / "t.csv", octets, wish_of(dialect, charset)))
    assert [
        (each.address, *each.variables.values()) for each in found if isinstance(each, Row)
    ] == [(f"u{at}@example.com", *row) for at, row in enumerate(rows)]
    assert len(found) == len(rows)


RUBBISH = st.one_of(
    st.binary(max_size=300),
    st.lists(
        st.sampled_from(
            [
                *(b"a@b.example", b",", b";", b'"', b"\\", b"\r", b"\n", b"\0", b"\xff", b"\xfe"),
                *(b"\xef\xbb\xbf", b"\xe4", b"x" * 40, b"email", b"\xd8\x00", b"\x00\xdc"),
            ]
        ),
        max_size=60,
    ).map(b"".join),
)


@files
@given(
    octets=RUBBISH,
    charset=st.sampled_from(["", "utf-16-le", "utf-16-be", "utf-8", "cp1252", "cp932", "gb18030"]),
    wish=st.sampled_from(
        [Wish(), Wish(columns=("email",)), Wish(columns=("a", "email"), quote="")]
    ),
)
def test_rubbish_never_raises_but_as_no_table_and_all_of_it_is_read_tb1(
    tmp_path: Path, octets: bytes, charset: str, wish: Wish
) -> None:
    path = tmp_path / "t.csv"
    wish = Wish(charset=charset, columns=wish.columns, quote=wish.quote)
    try:
        found = table(path, octets, wish, row_octets=64, row_lines=4)
    except TableError:
        return
    with found.rows() as rows:
        list(rows)
        assert rows.position.offset == len(octets)


@files
@given(st.data())
def test_from_each_position_the_rest_is_the_same_tb2_tb4(
    tmp_path: Path, data: st.DataObject
) -> None:
    charset = data.draw(st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "cp1252", "gb18030"]))
    mark = data.draw(st.booleans())
    pieces = data.draw(
        st.lists(
            st.sampled_from(
                [
                    "a@b.example",
                    "c@d.example",
                    ",",
                    '"',
                    "\r",
                    "\n",
                    "\r\n",
                    "é" * 9,
                    "x",
                    "",
                    '""',
                    "\0",
                ]
            ),
            max_size=50,
        )
    )
    octets = (("\ufeff" if mark and charset.startswith("utf") else "") + "email,n\n").encode(
        charset
    )
    octets += "".join(pieces).encode(charset, "replace")
    if data.draw(st.booleans()):
        octets += b"\xff\x81"
    reading_by = data.draw(st.sampled_from([7, 64, 262_144]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "PIECE_OCTETS", reading_by)
        found = table(
            tmp_path / "t.csv",
            octets,
            Wish(charset=charset, delimiter=","),
            row_octets=60,
            row_lines=4,
            rows=data.draw(st.sampled_from([3, 1000])),
        )
        whole: list[Row | BadRow] = []
        positions: list[Position] = []
        with found.rows() as rows:
            positions.append(rows.position)
            for each in rows:
                whole.append(each)
                positions.append(rows.position)
        patch.setattr(reading, "PIECE_OCTETS", 262_144)
        assert read(found) == whole  # TB1: in one piece as in many
        for at, position in enumerate(positions):
            assert read(found, position) == whole[at:]
            with Seen(tmp_path, first_slots=8) as seen, Seen(tmp_path, first_slots=8) as again:
                assert read(found, position, seen) == read(found, None, again)[at:]


def test_lines_and_numbers_count_line_ends_in_quotes_and_pass_over_blank_lines(
    tmp_path: Path,
) -> None:
    octets = b'email,n\r\n\r\na@b.example,"two\nlines"\n\n,\nwrong,x\rb@b.example,y'
    found = read(table(tmp_path / "t.csv", octets))
    assert [(each.number, each.line) for each in found] == [(1, 3), (2, 7), (3, 8)]
    assert isinstance(found[0], Row)
    assert found[0].variables == {"n": "two\nlines"}
    assert isinstance(found[1], BadRow)
    assert found[1].flaw == "address"
    assert found[1].text == "wrong,x"


@pytest.mark.parametrize(
    ("line", "flaw", "reason"),
    [
        (b"a@b.example", "fields", "has 1 fields, and there are 2 columns"),
        (b"a@b.example,x,y", "fields", "has 3 fields, and there are 2 columns"),
        (b",x", "address", "has no address"),
        (b"a@@b.example,x", "address", "is no address"),
        (b"a@b.example; c@d.example,x", "address", "has several addresses"),
        (b"a@b.example,\xff\xfe", "charset", "octet 0xFF at place 13 is no character of utf-8"),
        (b"a@b.example,\0", "nul", "has a NUL"),
        (b"a@b.example," + b"x" * 300, "too long", "is longer than 300 octets"),
        (b'a@b.example,"' + b"x" * 200 + b"\n" + b"y" * 200 + b'"', "too long", "longer than 300"),
        (b'a@b.example,"x\n1\n2\n3\n4\n5"', "quote", "not closed within 5 lines"),
    ],
)
def test_a_bad_row_says_why_and_stops_no_other(
    tmp_path: Path, line: bytes, flaw: str, reason: str
) -> None:
    octets = b"email,n\nu@b.example,1\n" + line + b"\nv@b.example,2\n"
    found = table(tmp_path / "t.csv", octets, Wish(charset="utf-8"), row_octets=300, row_lines=5)
    rows = read(found)
    bad = rows[1]
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.flaw) == (3, flaw)
    assert reason in bad.reason
    assert addresses(found) == ["u@b.example", "v@b.example"]
    with found.rows() as again:
        list(again)
        assert again.position.offset == len(octets)


def test_a_quote_that_does_not_end_takes_its_line_with_it_and_no_other_tb3(tmp_path: Path) -> None:
    octets = b'email,n\na@b.example,"x\nb@b.example,y\nc@b.example,z\n'
    found = table(tmp_path / "t.csv", octets)
    assert flaws(found) == [(2, "quote")]
    assert addresses(found) == ["b@b.example", "c@b.example"]


def test_of_more_rows_than_are_allowed_the_first_is_told_and_none_is_read(tmp_path: Path) -> None:
    octets = b"email\n" + b"".join(b"u%d@b.example\n" % at for at in range(9))
    found = table(tmp_path / "t.csv", octets, rows=4)
    assert flaws(found) == [(6, "too many")]
    assert len(addresses(found)) == 4


def test_an_address_with_its_name_is_taken_and_values_stay_as_they_are(tmp_path: Path) -> None:
    octets = "E-Mail ; Größe\nAnn <ann@Example.com>; M \n".encode()
    (row,) = read(table(tmp_path / "t.csv", octets))
    assert isinstance(row, Row)
    assert (row.address, row.mailbox.name) == ("ann@Example.com", "Ann")
    assert row.variables == {"Größe": " M "}


def test_reading_a_table_holds_one_piece_of_it_and_one_row(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"email,n\n" + b"a@b.example,xxxxxxxxxxxxxxxxxxx\n" * 40_000)
    found = Table(path, examine(path).layout)
    with found.rows() as rows:
        for _ in range(35_000):
            next(rows)
        held = rows._records._source
        assert len(held.texts) <= reading.PIECE_OCTETS // 32 + 2
