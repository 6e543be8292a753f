"""What a template writes, with gaps for its values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from minijinja import Environment

from angarium.templates.shapes.recording import GAP, Recorded, Recorder


def recorded(source: str, *, has_whole: bool = False, **context: Any) -> Recorded | None:
    recorder = Recorder(lambda value: "" if value is None else NotImplemented)
    engine = Environment(
        templates={"x": source},
        finalizer=recorder.finalize,
        auto_escape_callback=lambda _: True,
    )
    recorder.begin(has_whole=has_whole)
    return recorder.recorded(engine.render_template("x", **context))


def test_a_text_and_a_number_leave_gaps_and_what_is_html_does_not() -> None:
    found = recorded("{{ a }}|{{ 3 }}|{{ 2.5 }}|{{ a|safe }}|{{ [3] }}", a="<b>")
    assert found is not None
    assert (found.text, found.values) == (
        f"{GAP}|{GAP}|{GAP}|<b>|[3]",
        ["<b>", "3", "2.5"],
    )


def test_what_is_empty_leaves_none() -> None:
    found = recorded("[{{ a }}{{ none }}]", a="")
    assert found is not None
    assert (found.text, found.values) == ("[]", [])


@pytest.mark.parametrize("source", [f"{GAP}{{{{ a }}}}", "{{ b|safe }}{{ a }}", "{{ [b] }}{{ a }}"])
def test_gaps_of_others_are_noticed(source: str) -> None:
    found = recorded(source, a="x", b=GAP)
    assert found is None or found.text.count(GAP) == len(found.values)


def test_a_whole_number_stays_in_the_text_where_it_may_be_written_as_3_0() -> None:
    for value, written in ((3.0, "3.0"), (3, "3"), (-0.0, "-0.0")):
        found = recorded("{{ a }}", a=value, has_whole=True)
        assert found is not None
        assert (found.text, found.values) == (written, [])


@given(st.one_of(st.floats(allow_nan=False), st.integers(-(2**63), 2**63 - 1), st.text(max_size=9)))
def test_what_is_put_into_gaps_is_what_the_engine_writes(value: float | int | str) -> None:
    engine = Environment(templates={"x": "<{{ a }}>"}, auto_escape_callback=lambda _: True)
    is_whole = isinstance(value, float) and value.is_integer()
    found = recorded("<{{ a }}>", a=value, has_whole=is_whole)
    if found is not None:
        written = engine.render_template("x", a=value)
        assert found.filled().replace("/", "&#x2f;") == written


@pytest.mark.parametrize(
    "odd",
    ["a  b", " a", "a ", "a\nb", "\x00", "\u00ad", "a\u200db", "\u241f", "\u00a0a", "a \u00a0b", "\u034fa"],
)  # fmt: skip
def test_an_odd_value_goes_into_the_text(odd: str) -> None:
    found = Recorded(f"{GAP}-{GAP}", [odd, "a b"]).without_odd()
    assert found is not None
    assert (found.text, found.values) == (f"{odd}-{GAP}", ["a b"])


@pytest.mark.parametrize(
    "usual", ["a b", "Größe", "<&>", "1\u00a0234,5\u202f€", "\U0001f600", "日本"]
)
def test_a_usual_value_does_not(usual: str) -> None:
    found = Recorded(f"{GAP}-{GAP}", [usual, "x"])
    assert found.without_odd() is found


def test_a_value_with_a_gap_in_it_cannot_be_told() -> None:
    assert Recorded(GAP, [GAP]).without_odd() is None
