"""What is said of a version before it is used."""

from typing import Any

import pytest

from angarium.templates.bundle import Bundle, Parts
from angarium.templates.examination import examine
from angarium.templates.rendering import Examination, Filling, ProblemKind
from angarium.templates.variables import Variable
from tests.templates.made import bundle, piece, translated


def faults(made: Bundle, data: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    found = examine(made, None if data is None else Filling(data=data))
    return [(each.part, each.line, each.column, each.template) for each in found.problems]


def messages(made: Bundle, data: dict[str, Any] | None = None) -> str:
    found = examine(made, None if data is None else Filling(data=data))
    return "; ".join(each.message for each in found.problems)


def test_a_good_one_has_no_problem_and_shows_its_sample() -> None:
    found = examine(
        bundle(subject="Hi {{ a }}", text="{{ b.c }}"), Filling(data={"a": 1, "b": {"c": 2}})
    )
    assert found.problems == ()
    assert found.hints == ()
    assert found.used == ("a", "b.c")
    assert found.sample is not None
    assert (found.sample.subject, found.sample.text) == ("Hi 1", "2")
    assert examine(bundle(subject="{{ a }}")) == Examination(used=("a",))


def test_all_errors_are_told_not_only_the_first() -> None:
    made = bundle(
        subject="{{ a",
        html="\n {% fi %}",
        text="{% if false %}{{ a|shout }}{{ b is loud }}{% include 'x' %}{% endif %}",
        pieces={"p": piece(html="\n{% endif %}")},
    )
    assert faults(made) == [
        ("subject", 1, 4, ""),
        ("html", 2, 5, ""),
        ("text", 1, 20, ""),
        ("text", 1, 36, ""),
        ("text", 1, 54, ""),
        ("html", 2, 4, "p"),
    ]
    assert {each.kind for each in examine(made).problems} == {ProblemKind.SYNTAX}
    assert "'shout'" in messages(made)
    assert "'loud'" in messages(made)


def test_each_language_is_tried_with_the_sample() -> None:
    made = Bundle(locales={"en": Parts(text="{{ a }}"), "de": Parts(text="{{ b }}")})
    found = examine(made, Filling(data={"a": 1}))
    assert [(each.locale, each.variable) for each in found.problems] == [("de", "b")]
    assert found.sample is not None


def test_what_the_sample_lacks_is_a_problem() -> None:
    assert faults(bundle(text="{{ a }}"), {}) == [("text", 1, 4, "")]
    assert faults(bundle(text="{{ a }}")) == []


def test_variables_that_are_not_declared_or_not_used_are_hints_with_their_place() -> None:
    made = bundle(
        text="{{ a }}\n {{ order.id }}{{ order.total }}{{ list[0].x }}{{ now }}{{ loop }}",
        variables={
            "order": Variable(type="object", properties={"id": Variable()}),
            "list": Variable(type="array"),
            "spare": Variable(),
        },
    )
    found = examine(made)
    assert found.undeclared == ("a", "order.total")
    assert [(each.variable, each.line, each.column) for each in found.hints] == [
        ("a", 1, 4),
        ("order.total", 2, 19),
        ("spare", None, None),
    ]
    assert found.problems == ()


def test_a_mustaches_variables_are_told_by_their_names() -> None:
    source = "{{a}}\n{{#each list}}{{n}}{{@root.b.c}}{{/each}}{{#if d}}{{/if}}"
    made = bundle(html=translated(source), syntax="mustache", variables={"a": Variable()})
    found = examine(made)
    assert found.used == ("a", "b.c", "d", "list")
    assert found.undeclared == ("b", "d", "list")


def test_variables_that_cannot_be_are_problems() -> None:
    made = bundle(text="x", variables={"a": Variable(type="number", default="x")})
    assert "default" in messages(made)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (Bundle(locales={"en": Parts()}), "no part"),
        (Bundle(locales={}), "default language"),
        (Bundle(locales={"de": Parts(text="x")}), "default language"),
        (bundle(locale="not a tag!", text="x"), "language tag"),
        (bundle(text="x", time_zone="Mars/Base"), "time zone"),
        (bundle(text="x" * ((1 << 20) + 1)), "1048576 octets"),
        (bundle(subject="x" * 5000), "4096 octets"),
        (
            bundle(text="x", pieces={str(n): piece(text="y" * (1 << 20)) for n in range(9)}),
            "octets",
        ),
        (
            Bundle(
                locales={"en": Parts(text="x"), **{f"a{n:02}": Parts(text="x") for n in range(100)}}
            ),
            "languages",
        ),
        (bundle(text="x", layout="frame"), "'frame'"),
    ],
)
def test_what_cannot_be_at_all_is_told(made: Bundle, words: str) -> None:
    assert words in messages(made)


MJML = "<mjml>\n<mj-body>\n<mj-section><mj-column>\n{}</mj-column></mj-section></mj-body></mjml>"


@pytest.mark.parametrize(
    ("inside", "words", "line"),
    [
        ("<mj-txt>a</mj-txt>", "<mj-txt> is no element", 4),
        (
            "{{ x }}<mj-text>a</mj-button>",
            "</mj-button> closes it here, where <mj-text> is open",
            4,
        ),
        ("<mj-include path='x' />", "mj-include loads nothing", 4),
        ("</mj-column></mj-column>", "</mj-column> closes it here", 4),
    ],
)
def test_what_mjml_passes_over_is_a_problem(inside: str, words: str, line: int) -> None:
    made = bundle(html=MJML.format(inside), kind="mjml")
    found = examine(made).problems
    assert words in found[0].message
    assert len(found) == (2 if inside.startswith("<mj-txt>") else 1)
    assert (found[0].part, found[0].line) == ("html", line)


def test_good_mjml_is_none_with_or_without_a_sample() -> None:
    inside = "{% for i in items %}<mj-text>{{ i }}<br></mj-text><mj-divider />{% endfor %}"
    made = bundle(html=MJML.format(inside), kind="mjml")
    assert examine(made).problems == ()
    found = examine(made, Filling(data={"items": ["<a>"]}))
    assert found.problems == ()
    assert found.sample is not None


def test_mjml_is_looked_at_where_variables_are_required_and_none_are_given() -> None:
    variables = {"x": Variable(required=True)}
    made = bundle(html=MJML.format("<mj-txt />{{ x }}"), kind="mjml", variables=variables)
    assert "<mj-txt>" in messages(made)


def test_a_layout_and_a_partial_can_be_looked_at_alone() -> None:
    assert examine(bundle(html="<b>{% block content %}{% endblock %}</b>")).problems == ()
    assert examine(bundle(html="{% macro m(a) %}{{ a }}{% endmacro %}")).used == ()
