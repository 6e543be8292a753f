"""Mirrors angarium.content.html_value: a value means what a browser's parser takes it to mean."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from angarium.content.html_value import attribute_value


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://x.example/?a=1&amp;b=2", "https://x.example/?a=1&b=2"),
        ("?a=1&copy=2&copy", "?a=1&copy=2©"),
        ("?a=1&copyright=2&reg;=3", "?a=1&copyright=2®=3"),
        ("&#38;&#x26;&#X26", "&&&"),
        ("&amp;amp;", "&amp;"),
        ("&nothing; &; & &#;", "&nothing; &; & &#;"),
    ],
)
def test_references_are_resolved_as_in_attributes(written: str, meant: str) -> None:
    assert attribute_value(written) == meant


PIECES = st.lists(
    st.sampled_from(
        [*("&", "amp", ";", "=", "copy", "not", "in", "notin", "#", "38", "x26", "X", "a", "lt", "&amp;", "é", "1")]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@given(PIECES)
@example("&notit;")
@example("&#0;&#x80;&#55296;&#1114112;")
def test_a_value_means_what_it_does_to_a_browsers_parser(written: str) -> None:
    node = LexborHTMLParser(f'<body><x-a b="{written}">').css_first("x-a")
    assert node is not None
    assert attribute_value(written) == (node.attributes["b"] or "")
