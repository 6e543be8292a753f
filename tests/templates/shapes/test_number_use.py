"""Where a number that looks whole may be none."""

import pytest

from angarium.templates.plain_data import has_whole_floats, plain
from angarium.templates.shapes.number_use import makes_floats


@pytest.mark.parametrize(
    ("source", "may"),
    [
        (
            "{{ a }} {{- a|upper -}} {%- if a > 1 -%}{{ '1/2' }}{%- endif -%} 1.5 / 2 {{ -a }}",
            False,
        ),
        ("{{ a|money('EUR') }} {{ loop.index }} {{ a|default(2) }} {{ items[0] }}", False),
        ("{{ a / 2 }}", True),
        ("{{ a * b }}", True),
        ("{{ a + b }}", True),
        ("{{ a - b }}", True),
        ("{{ 2.0 }}", True),
        ("{{ a|default(1e3) }}", True),
        ("{{ a|round }}", True),
        ("{{ a|float }}", True),
        ("{{ xs|map('float')|first }}", True),
        ("{% set x = xs|sum %}", True),
    ],
)
def test_arithmetic_and_some_filters_may_make_floats(source: str, may: bool) -> None:
    assert makes_floats(source) == may


@pytest.mark.parametrize(
    ("data", "has"),
    [
        ({"a": 1, "b": 2.5, "c": "3.0", "d": [1, {"e": True}]}, False),
        ({"a": 1.0}, True),
        ({"a": [{"b": [-0.0]}]}, True),
        ({"a": 1e300}, True),
    ],
)
def test_floats_like_3_0_are_found_in_data(data: dict[str, object], has: bool) -> None:
    assert has_whole_floats(plain(data)) == has
