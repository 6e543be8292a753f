"""Where a value's place is known from the mails before, and where it is not."""

import pytest

from angarium.templates.compiled import Compiled
from angarium.templates.rendering import Filling, Rendered
from angarium.templates.shapes.shape import MAX_CHARACTERS
from tests.templates.made import bundle, translated
from tests.templates.shapes.made import STYLE, told

ONE = {"a": "Ada", "b": "x"}
OTHER = {"a": "Bo & <Co>", "b": "x"}


@pytest.mark.parametrize(
    "html",
    [
        "<p>Dear {{ a }},</p>",
        STYLE + "<p>Dear {{ a }},</p>",
        STYLE + "<p class='{{ b }}'>Dear {{ a }},</p>",
        STYLE + "<html lang='{{ b }}'><body style='color: {{ b }}'>{{ a }}",
        STYLE + "<b>{{ a }}<p>{{ a }}",
        STYLE + "<title>{{ a }}</title><textarea>{{ a }}</textarea><table>{{ a }}<td>{{ a }}",
        STYLE + "<a href='https://x.example/{{ b }}'>{{ a }}</a>",
        "<style>{{ b }} { color: {{ b }} } [class] { top: 0 }</style>{{ a }}",
        STYLE + "<!-- {{ b }} --><script>'{{ b }}'</script>{{ a }}",
        STYLE + "<{{ b }}>{{ a }}",
        STYLE + "&{{ b }} {{ a }}",
        STYLE
        + "<p>{{ a }}<!--[if mso]><p class='{{ a }}'>{{ a }}</p><![endif]--><script>'{{ a }}'</script>",
        "<a href='{{ b }}'>{{ b }}</a><pre>{{ a }}</pre>> {{ b }}",
    ],
)
def test_a_mail_is_told_from_those_before_it_fl3(html: str) -> None:
    found = told(html, ONE, OTHER)
    by_itself = Compiled(bundle(html=html)).render(Filling(data=OTHER))
    assert isinstance(by_itself, Rendered)
    assert found is not None
    assert (found.html, found.text) == (by_itself.html, by_itself.text)


@pytest.mark.parametrize("value", ["Ada", "Ada B", "1\u00a0234,50\u202f€", "é"])
def test_mjml_is_told_too_fl3(value: str) -> None:
    made = bundle(
        kind="mjml",
        html="<mjml><mj-body><mj-section><mj-column><mj-text>{{ a }} <a href='https://x/{{ b }}'>x</a></mj-text>"
        "<mj-button href='https://x.example/{{ b }}' background-color='{{ b }}'>{{ a }}</mj-button>"
        "</mj-column></mj-section></mj-body></mjml>",
    )
    found = told(made, {"a": "x", "b": "red"}, {"a": value, "b": "red"})
    by_itself = Compiled(made).render(Filling(data={"a": value, "b": "red"}))
    assert isinstance(by_itself, Rendered)
    assert found is not None
    assert (found.html, found.text) == (by_itself.html, by_itself.text)


def test_a_vendors_mustache_is_told_too_fl3() -> None:
    source = (
        STYLE + "{{#*inline 'x'}}<i>{{n}}</i>{{/inline}}<p>{{a}} {{> x n=a}} {{price}}</p>"
        "{{#each rows}}<p>{{@index}} {{this.x}}</p>{{else}}{{b}}{{/each}}"
    )
    made = bundle(html=translated(source), syntax="mustache")
    before = {**ONE, "price": 3.0, "rows": [{"x": 1}, {"x": 2.0}]}
    data = {**OTHER, "price": 4.5, "rows": [{"x": 3.0}, {"x": "z"}]}
    found = told(made, before, data)
    by_itself = Compiled(made).render(Filling(data=data))
    assert isinstance(by_itself, Rendered)
    assert found is not None
    assert (found.html, found.text) == (by_itself.html, by_itself.text)


@pytest.mark.parametrize(
    "place",
    [
        "<p class='{}'>",
        "<p id='{}'>",
        "<p style='color: {}'>",
        "<p dir={}>",
        "<p {}='x'>",
        "<{}>",
        "</{}>",
        "<i title='{}'>",
        "<link href='{}'>",
        "<style>{}</style>",
        "<!--{}-->",
        "&{};",
        "&#x2{};",
        "&amp{}",
        "<p title='{}' class='{}'>",
        "<!doctype {}>",
        "<p a=1 a='{}'>",
    ],
)
def test_where_a_value_may_do_more_it_has_to_be_the_same(place: str) -> None:
    html = STYLE + place.replace("{}", "{{ b }}") + "x</p>{{ a }}"
    assert told(html, ONE, OTHER) is not None
    assert told(html, ONE, {**OTHER, "b": "y"}) is None


def test_attributes_that_a_rule_asks_for_have_to_be_the_same() -> None:
    html = "<style>{} {{ color: red }}</style><p title='{{{{ a }}}}'>{{{{ b }}}}</p>"
    assert told(html.format("p"), {"a": "x", "b": "x"}, {"a": "y", "b": "y"}) is not None
    assert told(html.format("p[title=y]"), {"a": "x", "b": "x"}, {"a": "x", "b": "y"}) is not None
    assert told(html.format("p[title=y]"), {"a": "x", "b": "x"}, {"a": "y", "b": "y"}) is None


@pytest.mark.parametrize(
    "html",
    [
        STYLE + "<svg><![CDATA[{{ a }}]]></svg>",
        STYLE + "<frameset>{{ a }}",
        STYLE + "<a href=https://x.example/{{ a }}>x</a>",
        STYLE + "<iframe>{{ a }}</iframe><p>{{ a }}",
        STYLE + "\u241c0\u241d{{ a }}",
        STYLE + "{{ a }}" + "x" * MAX_CHARACTERS,
        "<style>" + "b{}" * 1000 + "</style>" + "<p>" * 600 + "{{ a }}",
        "<div>" * 1001 + "{{ a }}",
        STYLE + "{{ a|safe }}",
    ],
)
def test_what_cannot_be_told_is_finished_by_itself(html: str) -> None:
    assert told(html, ONE, OTHER) is None


@pytest.mark.parametrize(
    ("html", "value"),
    [
        (STYLE + "<p title='{{ a }}'>x</p>", "<style></style>"),
        ("<p>{{ a }}</p>", "> >"),
        ("<p>{{ a }}</p>", ">\u00a0>"),
        ("<pre>{{ a }}</pre>", "1\u00a0234"),
        ("<p>{{ a }}</p>", "two  spaces"),
        ("<p>{{ a }}</p>", ""),
        (f"{STYLE}<p>{{{{ a }}}}</p>", "\u00ad"),
    ],
)
def test_values_that_change_more_are_noticed(html: str, value: str) -> None:
    assert told(html, {"a": "usual"}, {"a": value}) is None
    assert told(html, {"a": "usual"}, {"a": "other"}) is not None


@pytest.mark.parametrize(
    "other", ["https://x.example/b", "javascript:x", "x y", "mailto:a@x.example"]
)
@pytest.mark.parametrize("shown", ["{{ b }}", "x.example/a", "{{ a }}", ""])
def test_each_mail_says_whether_a_link_needs_its_address(shown: str, other: str) -> None:
    html = f"<a href='{{{{ a }}}}'>{shown}</a> {{{{ b }}}}"
    for before in ("https://x.example/a", "nowhere"):
        found = told(html, {"a": before, "b": "x"}, {"a": other, "b": "x.example/b"})
        by_itself = Compiled(bundle(html=html)).render(
            Filling(data={"a": other, "b": "x.example/b"})
        )
        assert isinstance(by_itself, Rendered)
        assert found is not None
        assert found.text == by_itself.text


def test_a_text_of_too_many_variants_is_made_by_itself() -> None:
    html = "".join(f"<a href='{{{{ a[{at}] }}}}'>x</a>" for at in range(4))
    values = [
        [("https://x.example" if number >> at & 1 else "no") for at in range(4)]
        for number in range(16)
    ]
    made = bundle(html=html)
    compiled = Compiled(made)
    for each in (values[0], *values, *values):
        expected = Compiled(made).render(Filling(data={"a": each}))
        assert compiled.render(Filling(data={"a": each})) == expected
    assert told(html, {"a": values[0]}, {"a": values[15]}) is not None
