"""Which sources may be filled in with gaps."""

import pytest

from angarium.templates.shapes.eligibility import MAX_CHARACTERS, Source, may_leave_gaps
from angarium.templates.shapes.recording import GAP

MACRO = "{% macro m(x, y=1) %}<b>{{ x }}</b>{% endmacro %}"


@pytest.mark.parametrize(
    "source",
    [
        "plain",
        "{{ a.b|upper }} {{- a -}} {{ -1 }}",
        "{% if a %}{{ a }}{% elif b %}{% else %}{% endif %}{%- for x in xs -%}{{ loop.index }}{% endfor %}",
        "{% with x = a %}{{ x }}{% endwith %}{% set y = a ~ b %}{% set x, y = a %}{% set n.x = 1 %}{{ y }}",
        "{% include 'foot' %}{% block a %}{{ super() }}{% endblock %}",
        "{% extends 'frame' %}{% set x = 1 %}{% block content %}{{ a }}{% endblock %}",
        MACRO + "{{ m(a) }}{{ m(x=[1, (2)], y={'a': '('}) }}{{ a.m }}",
        "{% import 'ui' as ui %}{{ ui.button(a) }}",
        "{% from 'ui' import button as b %}{{ b(a) }}",
        "{% raw %}{% set x %}{{ super }}{% endraw %}{# {% filter upper %} #}",
    ],
)
def test_these_may(source: str) -> None:
    assert may_leave_gaps(
        [
            Source(template="", text=source),
            Source(template="ui", text=MACRO),
            Source(template="foot", text="{{ a }}"),
        ]
    )


@pytest.mark.parametrize(
    "source",
    [
        "{% set x %}{{ a }}{% endset %}{{ x|length }}",
        "{% set x | default(a=1) %}{{ a }}{% endset %}",
        "{% filter upper %}{{ a }}{% endfilter %}",
        "{% autoescape false %}{{ a }}{% endautoescape %}",
        "{% for x in xs recursive %}{{ loop(x) }}{% endfor %}",
        "{% call m(a) %}{{ b }}{% endcall %}",
        "{% do m(a) %}",
        "{{ self.content()|length }}",
        "{{ self.content() }}",
        "{{ super()|length }}",
        "{{ super() ~ a }}",
        "{% set x = super() %}",
        MACRO + "{{ m(a)|length }}",
        MACRO + "{{ m(a) ~ m(b) }}",
        MACRO + "{{ m(m(a)) }}",
        MACRO + "{{ b if m(a) else c }}",
        MACRO + "{{ [m(a)] }}",
        MACRO + "{{ m }}",
        MACRO + "{% if m(a) == 'x' %}{% endif %}",
        MACRO + "{% set x = m(a) %}",
        MACRO + "{% include m(a) %}",
        MACRO + "{% macro n(x=m(1)) %}{% endmacro %}",
        "{% import 'ui' as ui %}{{ ui['button'](a) }}",
        "{% import 'ui' as ui %}{{ ui.button(a)|trim }}",
        "{% import 'ui' as ui %}{% with x = ui.button(a) %}{% endwith %}",
        "{% from 'ui' import button as b %}{{ b(a)|trim }}",
        "{% import name as ui %}",
        "{% from 'u\\x69' import b %}",
        "{% import 'loud' as loud %}",
        "{% import 'blocks' as blocks %}",
        "{% extends 'frame' %}{{ a }}{% block content %}{% endblock %}",
        "{% extends 'frame' %}{% include 'foot' %}",
        f"{GAP}{{{{ a }}}}",
        " " * (MAX_CHARACTERS + 1),
    ],
)
def test_what_sees_or_throws_away_what_was_written_may_not(source: str) -> None:
    pieces = [
        Source(template="ui", text=MACRO),
        Source(template="loud", text=MACRO + "{{ a }}"),
        Source(template="blocks", text="{% block a %}{{ a }}{% endblock %}"),
        Source(template="foot", text="{{ a }}"),
    ]
    assert may_leave_gaps(pieces)
    assert not may_leave_gaps([Source(template="", text=source), *pieces])
