"""What is read of a source's tags without running it."""

import pytest

from angarium.templates.tags import (
    filters,
    find_names,
    find_only_use,
    line_and_column,
    loads,
)
from angarium.templates.tags import tests as asked_tests


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('{% extends "frame" %}', ["frame"]),
        ("{%- include 'a/b' -%}", ["a/b"]),
        ("{% include ['a', \"b\"] %}", ["a", "b"]),
        ("{% import 'ui' as ui %}{% from 'x' import y as z %}", ["ui", "x"]),
        ("{% include 'a' if x == 'b' %}", ["a"]),
        ("{% include 'it\\'s' %}", ["it's"]),
        ("{% raw %}{% include 'a' %}{% endraw %}{# {% include 'b' %} #}", []),
        ("{{ '{% include \"a\" %}' }}", []),
        ("{% include name %}{% set include = 'a' %}{{ include('a') }}", []),
        ("{% include 'a", ["a"]),
    ],
)
def test_templates_that_a_source_names(source: str, names: list[str]) -> None:
    assert [each.name for each in loads(source)] == names


def test_a_template_that_may_be_missing_is_told() -> None:
    found = loads("{% include 'a' ignore missing %}{% include 'ignore missing' %}")
    assert [each.may_be_missing for each in found] == [True, False]


def test_filters_and_tests_are_found_wherever_they_stand() -> None:
    source = (
        "{{ a|upper }}{% if b | lower == 'x|y' %}{% endif %}{% filter title %}{% endfilter %}"
        "{# |no #}|no {{ {'k': c|trim}.k }}{% raw %}{{ d|no }}{% endraw %}{{ e is odd and f is not even }}"
    )
    assert [each.text for each in filters(source)] == ["upper", "lower", "title", "trim"]
    assert [each.text for each in asked_tests(source)] == ["odd", "even"]


def test_a_use_of_a_filter_has_its_place_and_its_variable() -> None:
    source = "a\n {{ x.y|money('EUR') }}\n{{ (1 + 2)|upper }}{{ a|lower }}{{ b|lower }}"
    assert find_only_use(source, "money") == (2, 9, "x.y")
    assert find_only_use(source, "upper") == (3, 12, "")
    assert find_only_use(source, "lower") is None
    assert find_only_use(source, "title") is None


def test_a_variable_is_found_where_most_of_it_stands() -> None:
    source = "{{ order }}\n{{ x.order.total }}{{ order.total }}"
    assert find_names(source, ["order.total", "order.id", "other"]) == {
        "order.total": (2, 23),
        "order.id": (1, 4),
    }


def test_lines_and_columns_begin_at_one() -> None:
    assert line_and_column("ab\ncd", 0) == (1, 1)
    assert line_and_column("ab\ncd", 4) == (2, 2)


@pytest.mark.parametrize("piece", ['{{ "', '{{ \\"', "{% raw %}", "{#"])
def test_what_is_not_closed_is_read_once(piece: str) -> None:
    # Reading on from each to the end would take minutes
    source = piece * 100_000
    assert loads(source) == []
    assert filters(source) == []
