"""What is kept of shapes, and for whom."""

from angarium.templates.bundle import Parts
from angarium.templates.compiled import Compiled
from angarium.templates.rendering import Filling, Rendered
from angarium.templates.shapes.recording import GAP, Recorded
from angarium.templates.shapes.shape import HTML
from angarium.templates.shapes.shapes import FIRST_CREDIT, MAX_KEPT, Shapes, Shaping
from tests.templates.made import bundle, problem
from tests.templates.shapes.made import STYLE, finished, shaped


def test_what_is_seen_twice_is_prepared() -> None:
    shapes = Shapes()
    shaping = Shaping(shapes, HTML)
    first = [
        shaping.finished(Recorded(f"{STYLE}<p>{GAP}", [each]), wants_text=True) for each in "abc"
    ]
    assert [each and each.text for each in first] == [None, "b\n", "c\n"]
    assert len(shapes) == 1
    # Another template that writes the same need not wait
    other = Shaping(shapes, HTML).finished(Recorded(f"{STYLE}<p>{GAP}", ["d"]), wants_text=True)
    assert other is not None
    assert other.text == "d\n"


def test_whether_a_text_is_wanted_makes_another_shape() -> None:
    shaping = Shaping(Shapes(), HTML)
    for wants_text in (True, False, True, False):
        found = shaping.finished(Recorded(f"{STYLE}<p>{GAP}", ["a"]), wants_text=wants_text)
    assert found is not None
    assert found.text is None


def test_a_template_whose_mails_are_all_different_is_let_alone() -> None:
    shaping = Shaping(Shapes(), HTML)
    for number in range(FIRST_CREDIT):
        assert shaping.is_worthwhile
        shaping.finished(Recorded(f"{STYLE}<p>{number}", []), wants_text=True)
    assert not shaping.is_worthwhile


def test_a_template_that_has_no_shape_is_let_alone_sooner() -> None:
    shaping = Shaping(Shapes(), HTML)
    for number in range(FIRST_CREDIT // 30 + 1):
        for _ in range(2):
            shaping.finished(Recorded(f"<frameset>{number}", []), wants_text=True)
    assert not shaping.is_worthwhile


def test_what_goes_wrong_is_found_out_no_more_often_than_that() -> None:
    found = shaped(bundle(html=STYLE + "{{ a.b.c }}"))
    assert found is not None
    for _ in range(FIRST_CREDIT):
        assert finished(found, {}) is None
    assert not found.is_worthwhile


def test_what_is_kept_is_bounded_and_the_last_used_fl4() -> None:
    shapes = Shapes()
    key = "x" * (MAX_KEPT // 4)
    for number in range(8):
        shapes.add(("html", True, f"{key}{number}"), None)
        if number > 1:
            assert shapes.find(("html", True, f"{key}0")) is None
    assert len(shapes) == 3
    assert ("html", True, f"{key}0") in shapes


def test_nothing_is_recorded_where_nothing_is_to_be_finished() -> None:
    assert shaped(bundle(html="<p>{{ a }}</p>", text="{{ a }}")) is None
    assert shaped(bundle(html="<p>{{ a }}</p>")) is not None
    assert shaped(bundle(html=STYLE + "<p>{{ a }}</p>", text="{{ a }}")) is not None
    assert shaped(bundle(text="{{ a }}")) is None


def test_languages_have_shapes_of_their_own() -> None:
    made = bundle(html=STYLE + "<p>Hello {{ a }}")
    made = type(made)(
        locales={**made.locales, "de": Parts(html=STYLE + "<p>Hallo {{ a }}", text="{{ a }}")}
    )
    compiled = Compiled(made)
    for _ in range(4):
        texts = []
        for tag in ("en", "de"):
            rendered = compiled.render(Filling(data={"a": "Ada"}, locale=tag))
            assert isinstance(rendered, Rendered)
            texts.append(rendered.text)
        assert texts == ["Hello Ada\n", "Ada"]


def test_a_problem_is_the_same_by_its_shape() -> None:
    made = bundle(html=STYLE + "<p>{{ a }} {{ b.c }}</p>")
    compiled = Compiled(made)
    for _ in range(3):
        compiled.render(Filling(data={"a": "x", "b": {"c": "y"}}))
    assert compiled.render(Filling(data={"a": "x"})) == problem(made, {"a": "x"})


def test_what_comes_of_it_has_the_same_limit_by_its_shape() -> None:
    made = bundle(html=STYLE + "<p>{{ a }}</p>")
    compiled = Compiled(made)
    for length in (10, 10, 10, 1 << 20, 5 << 20):
        filling = Filling(data={"a": "x" * length})
        assert compiled.render(filling) == Compiled(made).render(filling)
