"""Mirrors angarium/history/cursors.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.history.cursors import cursor_text, read_cursor
from angarium.history.story import CursorError

LAST = 2**63 - 1


@given(st.integers(0, LAST), st.integers(0, LAST))
def test_a_cursor_is_read_as_it_was_written(first: int, second: int) -> None:
    text = cursor_text("m", first, second)
    assert read_cursor("m", text) == (first, second)
    assert text.replace("-", "").replace("_", "").isalnum()  # goes into a query as it is


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "é", "AAAA", "=" * 50, "a" * 5000, "W10", "bnVsbA", "\0", "-1", "' OR 1=1 --"),
        cursor_text("e", 5),
        cursor_text("m", -1, 0),
        cursor_text("m", LAST + 1, 0),
        cursor_text("m", 0, LAST + 1),
        cursor_text("m", 1, 2) + "A",
        cursor_text("m", 1, 2)[:-1],
    ],
)
def test_what_is_no_cursor_of_this_list_is_refused(text: str) -> None:
    with pytest.raises(CursorError):
        read_cursor("m", text)


@given(st.text())
def test_anything_else_is_a_cursor_or_refused(text: str) -> None:
    try:
        read_cursor("i", text)
    except CursorError:
        return
    raise AssertionError(text)
