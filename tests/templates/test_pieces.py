"""Layouts and partials that a version needs, gathered from its sources."""

from angarium.templates.bundle import MAX_PIECES, Parts, Piece
from angarium.templates.pieces import gather
from angarium.templates.rendering import ProblemKind
from tests.templates.made import piece

STORED = {
    "frame": piece(html="{% include 'head' %}{% block content %}{% endblock %}"),
    "head": piece(html="{% include 'frame' ignore missing %}", text="{% include 'deep' %}"),
    "deep": piece(text="deep"),
    "unused": piece(text="unused"),
}


def test_what_is_named_is_found_with_what_that_names() -> None:
    found = gather({"en": Parts(html="{% include 'head' %}")}, "frame", STORED.get)
    assert set(found.pieces) == {"frame", "head", "deep"}
    assert found.problems == ()


def test_what_is_not_there_is_told_with_its_place_unless_it_may_be_missing() -> None:
    parts = Parts(text="a\n {% include 'x' %}{% include 'y' ignore missing %}")
    found = gather({"de": parts}, "", STORED.get)
    assert [(each.part, each.locale, each.line, each.column) for each in found.problems] == [
        ("text", "de", 2, 13)
    ]
    assert "'x'" in found.problems[0].message
    assert "'z'" in gather({}, "z", STORED.get).problems[0].message
    inner = gather({}, "a", {"a": piece(html="{% include 'b' %}")}.get)
    assert [each.template for each in inner.problems] == ["a"]


def test_there_are_no_more_of_them_than_a_bundle_may_have() -> None:
    chain: dict[str, Piece] = {
        f"p{each}": piece(text=f"{{% include 'p{each + 1}' %}}") for each in range(200)
    }
    found = gather({}, "p0", chain.get)
    assert len(found.pieces) == MAX_PIECES
    assert found.problems[-1].kind is ProblemKind.TOO_LARGE
