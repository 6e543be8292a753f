"""Mirrors angarium/tables/lines.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.tables.lines import Problem, lines_of

PIECES = [
    b"\r\0",
    b"\0\r",
    b"\n\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"ab",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xa9",
    b"x" * 9,
    b"\xd8\x00\xdc",
]


def lines(charset: str, *pieces: bytes, limit: int = 8) -> list[tuple[str, int, Problem | None]]:
    found = lines_of(charset, limit)
    batches = [found.receive(each, is_last=False) for each in pieces]
    batches.append(found.receive(b"", is_last=True))
    return [
        (text, octets, batch.problems.get(at))
        for batch in batches
        for at, (text, octets) in enumerate(zip(batch.texts, batch.octets, strict=True))
    ]


@pytest.mark.parametrize("charset", ["utf-8", "cp1252", "gb18030", "utf-16-le", "utf-16-be"])
@given(st.data())
def test_how_it_is_cut_never_changes_the_lines_and_no_octet_is_lost_tb1(
    charset: str, data: st.DataObject
) -> None:
    octets = b"".join(data.draw(st.lists(st.sampled_from(PIECES), max_size=20)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=4)))
    pieces = [
        octets[one:other] for one, other in zip([0, *cuts], [*cuts, len(octets)], strict=True)
    ]
    whole = lines(charset, octets)
    assert lines(charset, *pieces) == whole
    assert lines(charset, *(octets[at : at + 1] for at in range(len(octets)))) == whole
    assert sum(each[1] for each in whole) == len(octets)


@pytest.mark.parametrize("charset", ["utf-8", "utf-16-le", "utf-16-be"])
def test_lf_crlf_and_cr_end_a_line_and_nothing_else(charset: str) -> None:
    text = "a\nb\r\nc\r\rd\x0be\x1cf\x85g\u2028h"
    found = lines(charset, text.encode(charset), limit=100)
    assert [each[0] for each in found] == ["a\n", "b\r\n", "c\r", "\r", text[8:]]


@pytest.mark.parametrize("charset", ["utf-8", "utf-16-le"])
def test_of_a_line_that_is_too_long_its_beginning_is_kept_without_its_quotes(charset: str) -> None:
    octets = ('"' + "x" * 5000 + "\nb\n").encode(charset)
    found = lines(charset, *(octets[at : at + 100] for at in range(0, len(octets), 100)), limit=300)
    assert [(len(each[0]), each[0][:2], each[2] is None) for each in found] == [
        (201 if charset == "utf-8" else 151, "?x", False),
        (2, "b\n", True),
    ]
