"""How a language writes."""

import pytest

from angarium.templates.locales import conventions


@pytest.mark.parametrize(
    ("tag", "known"),
    [
        ("de-AT", "de_AT"),
        ("de-XX", "de"),
        ("xx", "en"),
        ("", "en"),
        ("x" * 5000, "en"),
        ("../de", "en"),
    ],
)
def test_what_nobody_knows_is_written_as_what_is_left_of_it(tag: str, known: str) -> None:
    assert str(conventions(tag)) == known
