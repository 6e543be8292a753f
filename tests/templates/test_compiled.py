"""One version, filled in: what becomes of each part, and what is said where nothing comes of it."""

import pytest

from angarium.templates.bundle import Bundle, Parts, Piece
from angarium.templates.compiled import Compiled
from angarium.templates.rendering import Filling, Problem, ProblemKind, Rendered
from tests.templates.made import bundle, filled, piece, problem, text

LINE_ENDS = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x00", "\r\n\t"]


def test_each_part_is_filled_in() -> None:
    made = bundle(
        subject="Hi {{ name }}",
        preheader="For {{ name }}",
        html="<p>{{ name }}</p>",
        text="{{ name }}\n",
        amp="<html ⚡4email><body>{{ name }}</body></html>",
    )
    assert filled(made, {"name": "Ada"}) == Rendered(
        subject="Hi Ada",
        preheader="For Ada",
        html="<p>Ada</p>",
        text="Ada\n",
        amp="<html ⚡4email><body>Ada</body></html>",
        locale="en",
    )


def test_what_is_not_written_is_not_there_but_text_is_made_of_the_html() -> None:
    found = filled(bundle(html="<h1>Hello</h1><p>You &amp; me</p>"))
    assert (found.subject, found.preheader, found.amp) == ("", "", None)
    assert found.text == "Hello\n\nYou & me\n"
    assert filled(bundle(subject="Hi")).text is None


def test_marks_of_html_in_a_variable_are_text_in_html_and_amp_alone_fl2() -> None:
    source = "{{ x }}"
    found = filled(bundle(subject=source, html=source, text=source, amp=source), {"x": "<b>\"'&/"})
    assert (found.html, found.amp) == ("&lt;b&gt;&quot;&#x27;&amp;/",) * 2
    assert (found.subject, found.text) == ("<b>\"'&/",) * 2


def test_what_the_author_says_is_safe_is_html() -> None:
    assert filled(bundle(html="{{ x|safe }}"), {"x": "<b>"}).html == "<b>"


@pytest.mark.parametrize("end", LINE_ENDS)
def test_no_variable_begins_another_line_of_a_subject_c1_fl1(end: str) -> None:
    made = bundle(subject="Hi {{ x }}!", preheader="{{ x }}")
    found = filled(made, {"x": f"you{end}Bcc: a@b.example"})
    assert found.subject == "Hi you Bcc: a@b.example!"
    assert found.preheader == "you Bcc: a@b.example"


def test_a_subject_is_one_line_however_it_is_written() -> None:
    source = "\n{% if x %}\n  Your  order\n{% endif %}\n"
    assert filled(bundle(subject=source), {"x": 1}).subject == "Your  order"


def test_a_missing_variable_is_named_with_its_place() -> None:
    made = bundle(html="<p>é\n  {{ user.name }}</p>")
    found = problem(made, {"user": {}})
    assert found.kind is ProblemKind.MISSING_VARIABLE
    assert (found.part, found.locale, found.line, found.column) == ("html", "en", 2, 6)
    assert found.variable == "user.name"


def test_a_missing_variable_of_a_lenient_template_is_empty() -> None:
    made = bundle(text="[{{ a }}{{ a.b.c }}{% if d %}x{% endif %}]", missing="lenient")
    assert filled(made).text == "[]"


def test_null_is_as_good_as_not_given() -> None:
    assert problem(bundle(text="{{ a }}"), {"a": None}).variable == "a"
    assert text("{{ a|default('-') }}", {"a": None}) == "-"


def test_truth_is_written_as_in_data() -> None:
    assert text("{{ a }} {{ b }} {{ none }}|", {"a": True, "b": False}) == "true false |"


@pytest.mark.parametrize(
    "source",
    [
        "{{ m.clear() }}",
        "{{ m.update(a=1) }}",
        "{{ l.append(1) }}",
        "{{ l.sort() }}",
        "{{ m.a() }}",
    ],
)
def test_data_has_nothing_to_call(source: str) -> None:
    made = bundle(text=source)
    found = problem(made, {"m": {"a": 1}, "l": [2, 1]})
    assert found.kind in (ProblemKind.FAILED, ProblemKind.SYNTAX)


@pytest.mark.parametrize("name", ["items", "keys", "values", "get"])
def test_a_method_of_a_map_is_empty_where_data_lacks_the_name(name: str) -> None:
    made = bundle(text=f"[{{{{ m.{name} }}}}{{% for x in m.{name} %}}x{{% endfor %}}]")
    assert filled(made, {"m": {"a": 1}}).text == "[]"
    assert filled(made, {"m": {name: ["q"]}}).text == "[[&#x27;q&#x27;]x]".replace("&#x27;", "'")


def test_a_map_is_gone_through_by_names_and_values() -> None:
    source = "{% for k, v in m.items() %}{{ k }}={{ v }} {% endfor %}{{ m.get('z', 'none') }}"
    assert text(source, {"m": {"a": 1, "b": "x"}}) == "a=1 b=x none"
    assert text("{% for k, v in m|items %}{{ k }}{% endfor %}", {"m": {"a": 1}}) == "a"


def test_nothing_of_the_program_is_in_reach_p5() -> None:
    for source in ("{{ debug() }}", "{{ open('/etc/passwd') }}", "{{ lipsum() }}"):
        assert problem(bundle(text=source)).kind is ProblemKind.SYNTAX
    for source in ("{{ m.__class__ }}", "{{ ''.__class__ }}", "{{ m.__init__.__globals__ }}"):
        assert filled(bundle(text=source, missing="lenient"), {"m": {}}).text == ""


def test_an_endless_template_ends_p5() -> None:
    source = "{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}{% endfor %}"
    assert problem(bundle(text=source)).kind is ProblemKind.TOO_SLOW
    source = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"
    assert problem(bundle(text=source)).kind is ProblemKind.FAILED
    made = bundle(text="{% include 'a' %}", pieces={"a": piece(text="{% include 'a' %}")})
    assert problem(made).kind is ProblemKind.FAILED


def test_what_comes_of_it_has_a_limit() -> None:
    made = bundle(text="{% for a in range(9000) %}{{ x }}{% endfor %}")
    assert problem(made, {"x": "y" * 1000}).kind is ProblemKind.TOO_LARGE
    found = problem(bundle(subject="{{ x }}"), {"x": "y" * 1001})
    assert (found.kind, found.part) == (ProblemKind.TOO_LARGE, "subject")
    found = problem(bundle(preheader="{{ x }}"), {"x": "y" * 1001})
    assert (found.kind, found.part) == (ProblemKind.TOO_LARGE, "preheader")


def test_a_syntax_error_has_its_line_and_column() -> None:
    found = problem(bundle(html="<p>\n  ä {% fi x %}"))
    assert (found.kind, found.part, found.line, found.column) == (
        ProblemKind.SYNTAX,
        "html",
        2,
        8,
    )


def test_data_that_no_json_has_is_refused_by_its_path() -> None:
    found = problem(bundle(text="x"), {"a": [{"b": object()}]})
    assert (found.kind, found.variable) == (ProblemKind.WRONG_VARIABLE, "a[0].b")


def test_names_that_the_engine_has_itself_can_be_variables() -> None:
    data = {"self": 1, "template_name": 2, "name": 3, "src": 4}
    assert text("{{ self }}{{ template_name }}{{ name }}{{ src }}", data) == "1234"


# Layouts, blocks, partials


def test_a_page_fills_the_blocks_of_its_layout_in_each_part() -> None:
    frame = piece(
        html="<body>{% block content %}-{% endblock %}{% include 'foot' %}</body>",
        text="== {% block content %}{% endblock %} ==",
    )
    foot = piece(html="<i>{{ company }}</i>")
    source = "{% extends 'frame' %}{% block content %}{{ x }}{{ super() }}{% endblock %}"
    made = bundle(
        html=source,
        text="{% extends 'frame' %}{% block content %}{{ x }}{% endblock %}",
        pieces={"frame": frame, "foot": foot},
    )
    found = filled(made, {"x": "<", "company": "A&B"})
    assert found.html == "<body>&lt;-<i>A&amp;B</i></body>"
    assert found.text == "== < =="


def test_a_version_with_a_layout_is_put_into_its_block() -> None:
    made = bundle(
        subject="S",
        html="<p>{{ x }}</p>",
        text="{{ x }}",
        layout="frame",
        pieces={"frame": piece(html="<body>{% block content %}{% endblock %}</body>")},
    )
    found = filled(made, {"x": 1})
    # Its text stays as it is: the layout has none
    assert (found.subject, found.html, found.text) == ("S", "<body><p>1</p></body>", "1")


def test_a_place_in_a_version_with_a_layout_is_that_of_its_own_source() -> None:
    pieces = {"frame": piece(text="{% block content %}{% endblock %}")}
    for source, place in (("ab{{ x }}", (1, 6)), ("a\nb{{ x }}", (2, 5))):
        found = problem(bundle(text=source, layout="frame", pieces=pieces))
        assert (found.line, found.column, found.template) == (*place, "")


def test_a_place_in_a_layout_names_the_layout() -> None:
    pieces = {"frame": piece(text="\n{{ x }}{% block content %}{% endblock %}")}
    found = problem(bundle(text="a", layout="frame", pieces=pieces))
    assert (found.template, found.part, found.line, found.column) == ("frame", "text", 2, 4)


def test_macros_of_a_partial_are_imported() -> None:
    pieces = {"ui": piece(html="{% macro button(t) %}<b>{{ t }}</b>{% endmacro %}")}
    made = bundle(html="{% import 'ui' as ui %}{{ ui.button('<') }}", pieces=pieces)
    assert filled(made).html == "<b>&lt;</b>"
    made = bundle(html="{% from 'ui' import button %}{{ button('x') }}", pieces=pieces)
    assert filled(made).html == "<b>x</b>"


def test_a_partial_that_is_not_there_is_named() -> None:
    found = problem(bundle(html="\n{% include 'nonesuch' %}"))
    assert (found.kind, found.line) == (ProblemKind.SYNTAX, 2)
    assert "'nonesuch'" in found.message
    assert filled(bundle(html="{% include 'x' ignore missing %}")).html == ""
    # One that has no text part cannot be in a text
    made = bundle(text="{% include 'foot' %}", pieces={"foot": piece(html="x")})
    assert "'foot'" in problem(made).message


def test_what_fails_in_a_partial_is_told_with_its_place_there() -> None:
    made = bundle(html="\n{% include 'foot' %}", pieces={"foot": piece(html="\n\n{{ x }}")})
    found = problem(made)
    assert (found.kind, found.variable) == (ProblemKind.MISSING_VARIABLE, "x")
    assert (found.template, found.line, found.column) == ("foot", 3, 4)


# Languages


def languages() -> Bundle:
    parts = {
        "en": Parts(subject="Hello", text="{{ 1234.5|money('EUR') }}{% include 'foot' %}"),
        "de": Parts(subject="Hallo", text="{{ 1234.5|money('EUR') }}{% include 'foot' %}"),
    }
    foot = Piece(locales={"en": Parts(text=" bye"), "de-AT": Parts(text=" baba")})
    return Bundle(locales=parts, default_locale="en", pieces={"foot": foot})


@pytest.mark.parametrize(
    ("wanted", "tag", "subject", "amount"),
    [
        ("", "en", "Hello", "€1,234.50 bye"),
        ("de", "de", "Hallo", "1.234,50\xa0€ bye"),
        ("DE_at", "de", "Hallo", "€\xa01.234,50 bye"),
        ("de-CH-1996", "de", "Hallo", "EUR\xa01'234.50 bye"),
        ("fr", "en", "Hello", "€1,234.50 bye"),
        ("en-GB", "en", "Hello", "€1,234.50 bye"),
        ("english", "en", "Hello", "€1,234.50 bye"),
        ("rubbish/../x", "en", "Hello", "€1,234.50 bye"),
    ],
)
def test_a_mail_is_in_the_language_that_comes_nearest(
    wanted: str, tag: str, subject: str, amount: str
) -> None:
    found = filled(languages(), locale=wanted)
    assert (found.locale, found.subject, found.text) == (tag, subject, amount)


def test_now_is_what_it_is_given_and_may_be_a_variable_of_the_same_name() -> None:
    source = "{{ now|datetime('yyyy-MM-dd HH:mm', tz='Europe/Vienna') }}"
    assert text(source, now=1_796_008_576_000) == "2026-11-30 04:16"
    assert problem(bundle(text=source)).variable == "now"
    assert text("{{ now }}", {"now": "mine"}, now=1) == "mine"


# Finishing


def test_styles_are_inlined_and_what_cannot_be_stays() -> None:
    html = (
        "<html><head><style>p { color: red } a:hover { color: blue }"
        "@media (max-width: 600px) { p { color: green } }</style></head>"
        "<body><!--[if mso]><p>old</p><![endif]--><p>{{ x }}</p></body></html>"
    )
    found = filled(bundle(html=html), {"x": "<"}).html or ""
    assert '<p style="color: red;">&lt;</p>' in found
    assert "p {" not in found.partition("@media")[0]
    assert "a:hover" in found
    assert "@media (max-width: 600px)" in found
    assert "<!--[if mso]><p>old</p><![endif]-->" in found


def test_html_without_a_style_sheet_stays_octet_by_octet() -> None:
    html = "<P CLASS=a>x<br/>&nbsp;<style2>"
    assert filled(bundle(html=html)).html == html


def test_no_style_sheet_is_loaded_by_its_address_p4(tmp_path: object) -> None:
    sheet = f"{tmp_path}/x.css"
    with open(sheet, "w") as file:  # noqa: PTH123 - as simple as can be
        file.write("p { color: red }")
    html = f"<link rel=stylesheet href='{sheet}'><style>@import '{sheet}';</style><p>x</p>"
    assert "red" not in (filled(bundle(html=html)).html or "")


MJML = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>Hi {{ x }}</mj-text>"
    "</mj-column></mj-section></mj-body></mjml>"
)


def test_mjml_becomes_html_and_a_text() -> None:
    found = filled(bundle(html=MJML, kind="mjml"), {"x": "<b>"})
    assert "mj-text" not in (found.html or "")
    assert "Hi &lt;b&gt;</div>" in (found.html or "")
    assert found.text == "Hi <b>\n"


def test_mjml_that_is_none_is_a_problem() -> None:
    found = problem(bundle(html="<p>x</p>", kind="mjml"))
    assert (found.kind, found.part) == (ProblemKind.FAILED, "html")


def test_mjml_includes_no_file_p4() -> None:
    html = MJML.replace("<mj-text>", "<mj-include path='/etc/hostname' /><mj-text>")
    assert "mj-include" in problem(bundle(html=html, kind="mjml"), {"x": 1}).message


def test_html_that_is_nested_too_deep_is_a_problem_where_text_is_made_of_it() -> None:
    found = problem(bundle(html="<div>" * 1100))
    assert (found.kind, found.part) == (ProblemKind.FAILED, "html")


def test_a_version_is_read_once_and_filled_in_often() -> None:
    compiled = Compiled(bundle(text="{{ x }}"))
    found = [compiled.render(Filling(data={"x": each})) for each in range(3)]
    assert [each.text for each in found if isinstance(each, Rendered)] == ["0", "1", "2"]


def test_a_filling_changes_nothing_for_the_next_one() -> None:
    source = "{% set ns = namespace(n=0) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}"
    compiled = Compiled(bundle(text=source))
    for _ in range(2):
        found = compiled.render(Filling())
        assert not isinstance(found, Problem)
        assert found.text == "1"


def test_what_is_no_character_is_replaced() -> None:
    assert set(filled(bundle(text="{{ x }}"), {"x": "\ud800"}).text or "") == {"\ufffd"}
