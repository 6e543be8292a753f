"""Mirrors angarium/access/user_name.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.access.user_name import comparable_name, names_by_comparison


@pytest.mark.parametrize(
    ("typed", "stands_for"),
    [
        ("joe", "joe"),
        ("Joe@Example.COM", "joe@example.com"),
        ("JÖRG", "jörg"),
        ("jo\u0308rg", "jörg"),  # NFC: as a Mac types it
        ("\uff4a\uff4f\uff45", "joe"),  # full width
        ("\uff76\uff9e", "\u30ac"),  # half-width katakana, whose voicing mark is composed
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("straße", "straße"),  # lower case, not case folding
    ],
)
def test_a_name_is_compared_by_width_case_and_composition(typed: str, stands_for: str) -> None:
    assert comparable_name(typed) == stands_for


@given(st.text(max_size=20))
def test_what_stands_for_a_name_stands_for_itself(name: str) -> None:
    assert comparable_name(comparable_name(name)) == comparable_name(name)


def test_names_that_an_old_file_tells_apart_by_case_only_stay_apart() -> None:
    assert names_by_comparison(["App", "app", "Joe"]) == {"joe": "Joe"}
