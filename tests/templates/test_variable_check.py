"""Data held to what a template says of its variables."""

from typing import Any

import pytest

from angarium.templates.rendering import ProblemKind, Rendered
from angarium.templates.variable_check import find_faults, names
from angarium.templates.variables import Variable, VariableFormat, VariableType
from tests.templates.made import bundle, fill, filled, problem

LINES = Variable(
    type="array",
    items=Variable(
        type="object",
        properties={"price": Variable(type="number", required=True), "n": Variable(default=1)},
    ),
)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("any", [1, "x", True, [], {}], []),
        ("string", ["", "x"], [1, True, [], {}]),
        ("number", [1, 1.5, "2", "-0.5", "1e3"], ["x", "", True, [], "1_0", "0x1", "nan", " "]),
        ("integer", [1, -1, 2.0, "7"], [1.5, "1.5", True, "x"]),
        ("boolean", [True, False, "true", "False"], [1, 0, "yes", []]),
        ("array", [[], [1]], ["x", {}, 1]),
        ("object", [{}, {"a": 1}], ["x", [], 1]),
    ],
)
def test_types(kind: VariableType, good: list[Any], bad: list[Any]) -> None:
    made = bundle(text="x", variables={"v": Variable(type=kind)})
    for each in good:
        assert isinstance(fill(made, {"v": each}), Rendered), each
    for each in bad:
        found = problem(made, {"v": each})
        assert (found.kind, found.variable) == (ProblemKind.WRONG_VARIABLE, "v"), each


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", ["2026-11-30"], ["2026-13-01", "30.11.2026", "20261130", ""]),
        ("time", ["10:00", "10:00:00", "00:00"], ["25:00", "ten"]),
        ("date-time", ["2026-11-30T10:00:00Z", "2026-11-30T10:00:00+01:00"], ["2026-11-30", "x"]),
        ("email", ["a@b.example"], ["a", "a@b@c", "a@b.example\r\nx", "<a@b.example>"]),
        ("uri", ["https://a.example/x?y=z", "mailto:a@b.example"], ["a.example", "http:", "a b:c"]),
    ],
)
def test_formats(name: VariableFormat, good: list[str], bad: list[str]) -> None:
    made = bundle(text="x", variables={"v": Variable(type="string", format=name)})
    for each in good:
        assert isinstance(fill(made, {"v": each}), Rendered), each
    for each in bad:
        assert problem(made, {"v": each}).variable == "v", each


def test_text_that_is_a_number_is_one_in_the_template() -> None:
    variables = {"n": Variable(type="integer"), "x": Variable(type="number")}
    made = bundle(text="{{ n + 1 }} {{ x * 2 }}", variables=variables)
    assert filled(made, {"n": "41", "x": "1.5"}).text == "42 3.0"


def test_what_is_required_is_missed_before_anything_is_filled_in() -> None:
    made = bundle(
        text="x",
        variables={"o": Variable(type="object", properties={"t": Variable(required=True)})},
    )
    found = problem(made, {"o": {}})
    assert (found.kind, found.variable, found.part) == (ProblemKind.MISSING_VARIABLE, "o.t", "")
    assert isinstance(fill(made, {}), Rendered)
    assert problem(bundle(text="x", variables={"a": Variable(required=True)}), {"a": None})


def test_items_are_held_to_what_they_are_by_their_index() -> None:
    made = bundle(text="x", variables={"lines": LINES})
    found = problem(made, {"lines": [{"price": 1}, {"price": "x"}]})
    assert (found.kind, found.variable) == (ProblemKind.WRONG_VARIABLE, "lines[1].price")
    found = problem(made, {"lines": [{}]})
    assert (found.kind, found.variable) == (ProblemKind.MISSING_VARIABLE, "lines[0].price")


def test_defaults_stand_for_what_is_not_given_also_inside() -> None:
    made = bundle(
        text="{{ a }}{% for each in lines %} {{ each.price }}x{{ each.n }}{% endfor %}{{ l }}",
        variables={"a": Variable(default="A"), "lines": LINES, "l": Variable(default=[1])},
    )
    for _ in range(2):
        assert filled(made, {"lines": [{"price": 2}]}).text == "A 2x1[1]"
    assert filled(made, {"a": "B", "l": "", "lines": []}).text == "B"


def test_one_of_an_enum_is_needed() -> None:
    made = bundle(text="x", variables={"v": Variable(enum=("a", "b"))})
    assert isinstance(fill(made, {"v": "a"}), Rendered)
    assert "a, b" in problem(made, {"v": "c"}).message


def test_what_may_be_left_out_may_be_asked_for_where_missing_ones_are_refused() -> None:
    made = bundle(
        text="{% if code %}{{ code }}{% else %}none{% endif %}{{ code }}{{ code|default('-') }}",
        variables={"code": Variable(type="string")},
    )
    assert filled(made).text == "none-"
    assert problem(bundle(text="{{ other }}", variables={})).variable == "other"


def test_data_that_is_not_declared_is_there_too() -> None:
    assert filled(bundle(text="{{ a }}", variables={}), {"a": 1}).text == "1"


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        (Variable(type="string", items=Variable()), "array"),
        (Variable(type="string", properties={"a": Variable()}), "object"),
        (Variable(type="number", format="date"), "format"),
        (Variable(type="number", default="x"), "default"),
        (Variable(type="number", enum=(1, "x")), "enum"),
        (Variable(enum=("a",), default="b"), "enum"),
        (Variable(type="object", properties={"": Variable()}), "name"),
        (Variable(type="string", format="date", default="soon"), "default"),
    ],
)
def test_variables_that_cannot_be_are_told(variable: Variable, words: str) -> None:
    found = find_faults({"v": variable})
    assert len(found) == 1
    assert words in found[0].message
    assert (found[0].variable or "").startswith("v")


def test_variables_are_bounded_in_depth_and_number() -> None:
    deep = Variable()
    for _ in range(20):
        deep = Variable(type="object", properties={"a": deep})
    assert "deep" in find_faults({"a": deep})[0].message
    assert "more than" in find_faults({f"v{each}": Variable() for each in range(1001)})[0].message
    assert find_faults({"order": LINES}) == []


def test_all_names_are_told_with_their_paths() -> None:
    inner = Variable(type="object", properties={"b": Variable()})
    assert names({"a": inner, "c": LINES}) == {"a", "a.b", "c"}
