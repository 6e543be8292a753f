"""What is filled in by a shape is what comes of finishing each mail by itself."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from angarium.templates.bundle import Bundle
from angarium.templates.compiled import Compiled
from angarium.templates.rendering import Filling
from angarium.templates.shapes.shapes import Shapes
from tests.templates.made import bundle, piece

STYLES = (
    "",
    "<style>td { color: red } .price { font-weight: bold } a:hover { color: blue }</style>",
    "<style>p + p { margin: 0 } li:nth-child(2n) { color: red } td:empty { width: 1px }</style>",
    "<style>a[href^='https'] { color: red } b { color: green }</style>",
    "<style>@media (max-width: 9px) { p { color: red } } #x > b { color: red } p:has(b) { top: 0 }</style>",
    "<style>{{ a }} { color: {{ b }} } p { color: red }</style>",
)
# Gaps where they do no harm, and where they do
SNIPPETS = (
    "<p>{{ a }}</p>",
    "<p> Dear {{ a }} {{ b }}, </p>\n",
    "{{ a }}{{ b }}",
    "{{ c }}",
    " {{ n }} ",
    "<h1>{{ a|upper }}</h1>",
    "<td>{{ a }}</td>",
    "<table><tr><td>{{ a }}</td><td class='price'>{{ n }}</td></tr></table>",
    "<table>{{ a }}<tr>{{ b }}<td>{{ c }}</table>",
    "<table><tr><td></td>{% for row in rows %}<td>{{ row.x }}</td>{% endfor %}</tr></table>",
    "<ul>{% for row in rows %}<li>{{ loop.index }}. {{ row.x }}</li>{% else %}<li>{{ a }}</li>{% endfor %}</ul>",
    "<ol start='{{ n }}'><li>{{ a }}</ol>",
    "<a href='https://x.example/{{ a }}'>See</a>",
    "<a href='https://x.example/{{ a }}'>x.example/{{ b }}</a>",
    '<a href="{{ a }}">{{ b }}</a>',
    '<a href="{{ url }}">{{ url }}</a> {{ c }}',
    '<a href="{{ url }}"></a>{{ a }}',
    '<a href="https://x.example/">{{ a }}</a>',
    '<a href="https://x.example/a b {{ a }}"><img alt="{{ b }}"></a>',
    "<a href=https://x.example/{{ a }}>bare</a>",
    "<img src='https://x.example/{{ a }}.png' alt='{{ b }} of {{ c }}' title=\"{{ a }}\">",
    "<blockquote>{{ a }}<blockquote>{{ b }}</blockquote></blockquote>",
    "<pre> {{ a }}\n  {{ b }}</pre>",
    "<p class='{{ a }}'>{{ b }}</p>",
    "<p id={{ a }}>{{ b }}</p>",
    "<p style='color: {{ a }}'>{{ b }}</p>",
    "<p style='display:{{ hide }}'>{{ b }}</p>",
    "<p {{ a }}>{{ b }}</p>",
    "<{{ a }}>{{ b }}</{{ a }}>",
    "<!-- {{ a }} -->{{ b }}",
    "<!--{{ a }}-->{{ b }}",
    "<!--[if mso]><p>{{ a }}</p><![endif]-->",
    "<script>var a = '{{ a }}';</script>",
    "<title>{{ a }}</title>",
    "<textarea>{{ a }}</textarea>",
    "<font color='{{ a }}'><font color='{{ b }}'><font color='{{ c }}'>{{ a }}",
    "<b><i>{{ a }}<p>{{ b }}</b>{{ c }}</i>",
    "&{{ a }};",
    "&#x2f;&amp{{ a }}",
    "&#{{ n }};",
    "<svg><text>{{ a }}</text><![CDATA[{{ b }}]]></svg>",
    "<select><option value='{{ a }}'>{{ b }}</select>",
    "<input type='{{ a }}' value='{{ b }}'>",
    "{% if a %}<p>{{ a }}</p>{% elif b %}<b>{{ b }}</b>{% else %}<i>{{ n }}</i>{% endif %}",
    "{% if a == b %}<hr>{% endif %}",
    "{% set d = a ~ b %}<p>{{ d }}</p>",
    "{% set d %}{{ a }}{{ b }}{% endset %}{{ d|length }}{{ d }}",
    "{% filter upper %}{{ a }}{% endfilter %}",
    "{% macro m(x) %}<b>{{ x }}</b>{% endmacro %}{{ m(a) }} {{ m(b) }}",
    "{% macro q(x) %}<b>{{ x }}</b>{% endmacro %}{{ q(a)|length }}",
    "{{ a|safe }}",
    "{{ a|e }}",
    "{{ rows }}{{ t }}{{ f }}",
    "{{ f }} {{ n + f }} {{ n * 2.5 }} {{ f|int }} {{ [f, n]|sum }}",
    "{{ n }} {{ f }}",
    "{% include 'foot' %}",
    "{% raw %}{{ a }}{% endraw %}",
    "\u00a0{{ a }}\u00ad{{ b }}\ue000",
    "<div hidden>{{ a }}</div><br>{{ b }}<hr>",
    "<p>{{ a }} <span style='display:none'>{{ b }}</span> {{ c }}",
    "<body bgcolor='{{ a }}'>",
    "<plaintext>{{ a }}",
    "{% autoescape false %}{{ a }}{% endautoescape %}",
    "> {{ a }}",
)
VALUES = st.one_of(
    st.sampled_from(
        [
            *(
                "",
                " ",
                "Ada",
                "Ada & Co",
                "<b>",
                "a  b",
                " a",
                "a ",
                "a b",
                "price",
                "x",
                ">",
                "> >",
            ),
            *(
                "&lt;",
                "amp;",
                "lt;",
                "p;",
                "#x",
                "none",
                "hidden",
                '"',
                "'",
                "\n",
                "a\nb",
                "\r\n",
                "\x00",
            ),
            *(
                "https://x.example/",
                "https://x.example/a b",
                "x.example/Ada",
                "mailto:a@b.example",
                "/",
            ),
            *(
                "https://x.example/q?a=1&b=<2>",
                "javascript:x",
                "tel:1",
                "<style></style>",
                "\u00ad",
                "\u00a0",
            ),
            *(
                "\u241f",
                "\ue000",
                "\ue0000\ue001",
                "\ue001",
                "e\u0301",
                "\U0001f600",
                "\u200d",
                "-->",
                "--!>",
            ),
            *("</p>", "</title>", "]]>", "12", "\ufffe", "\ud800", "a\u3000b", "td", "\u2028"),
        ]
    ),
    st.text(max_size=6),
    st.text(alphabet="ab /<>&\"'", max_size=8),
)
DATA = st.fixed_dictionaries(
    {
        "a": VALUES,
        "b": VALUES,
        "c": VALUES,
        "url": VALUES,
        "hide": st.sampled_from(["none", "block"]),
        "n": st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans()),
        "rows": st.lists(st.fixed_dictionaries({"x": VALUES}), max_size=3),
        "t": st.booleans(),
        "f": st.one_of(st.floats(allow_nan=False), st.sampled_from([0.0, -0.0, 3.0, 2.5])),
    }
)
LAYOUT = piece(html="<html>{{ a }}<body>{% block content %}{% endblock %}</body></html>")
FOOT = piece(html="<p>{{ c }}</p>", text="foot")


def assert_same(made: Bundle, all_data: list[dict[str, Any]]) -> int:
    """Fill it in often, by shapes where there are, and once by itself each; returns how many had a shape."""
    compiled = Compiled(made)
    shapes = Shapes()
    shared = Compiled(made, shapes=shapes)
    for data in all_data:
        filling = Filling(data=data)
        expected = Compiled(made).render(filling)
        for each in (compiled, compiled, compiled, shared, shared):
            assert each.render(filling) == expected
    return len(shapes)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    style=st.sampled_from(STYLES),
    snippets=st.lists(st.sampled_from(SNIPPETS), min_size=1, max_size=6),
    all_data=st.lists(DATA, min_size=1, max_size=4),
    layout=st.sampled_from(["", "frame"]),
    has_text=st.booleans(),
)
def test_any_template_comes_to_the_same_by_its_shape_fl3(
    style: str, snippets: list[str], all_data: list[dict[str, Any]], layout: str, has_text: bool
) -> None:
    made = bundle(
        html=style + "".join(snippets),
        text="{{ a }}" if has_text else None,
        layout=layout,
        missing="lenient",
        pieces={"frame": LAYOUT, "foot": FOOT},
    )
    assert_same(made, all_data)
