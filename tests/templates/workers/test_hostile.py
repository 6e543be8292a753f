"""Hostile templates and data, with the engine of the server in real workers: each harms nobody.

A case is refused, or gives something within its limits. While it is rendered, and right behind it, a good mail is.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from angarium.templates.bundle import Bundle, Parts, Piece, encode_bundle
from angarium.templates.rendering import Filling, Problem, ProblemKind, Rendered
from angarium.templates.workers.pool import RenderPool
from angarium.templates.workers.request import Settings
from tests.templates.workers.conftest import Witness

OUTPUT_OCTETS = 1 << 20
SETTINGS = Settings(
    workers=2,
    memory_octets=64 << 20,
    wall_s=30.0,  # the machine may be busy
    cpu_s=0.25,
    output_octets=OUTPUT_OCTETS,
    cache_bundles=16,
)
GOOD = Bundle(locales={"en": Parts(subject="Hello {{ name }}", html="<p>{{ name }}</p>")})
FEW: dict[str, Any] = {"name": "x", "items": list(range(100)), "text": "a" * 1000}


def of(source: str, **more: Any) -> Bundle:
    return Bundle(locales={"en": Parts(subject="s", html=source)}, **more)


def including(**pieces: str) -> Bundle:
    return of(
        '{% include "a" %}',
        pieces={name: Piece(locales={"en": Parts(html=text)}) for name, text in pieces.items()},
    )


HUGE = "{% set a = text * 50 %}{% set b = a * 50 %}"
CORPUS: dict[str, Bundle] = {
    # --- loops and recursion ---
    "loops in loops": of("{% for a in range(9999) %}" * 6 + "x" + "{% endfor %}" * 6),
    "a huge range": of("{{ range(10**9) | list | length }}"),
    "ranges of ranges": of("{% for a in range(99999) %}{{ range(99999) | join }}{% endfor %}"),
    "a macro that calls itself": of(
        "{% macro m(n) %}{{ m(n + 1) }}{{ m(n) }}{% endmacro %}{{ m(1) }}"
    ),
    "macros that call each other": of(
        "{% macro p(n) %}{{ q(n) }}{{ q(n) }}{% endmacro %}{% macro q(n) %}{{ p(n) }}{% endmacro %}{{ p(1) }}"
    ),
    "a loop that recurses": of(
        "{% for i in items recursive %}{{ loop(items) }}{{ loop(items) }}{% endfor %}"
    ),
    "a partial that includes itself": including(a='{% include "a" %}{% include "a" %}'),
    "partials that include each other": including(
        a='{% include "b" %}' * 20, b='{% include "a" %}' * 20
    ),
    "a layout that extends itself": of(
        '{% extends "a" %}', pieces={"a": Piece(locales={"en": Parts(html='{% extends "a" %}')})}
    ),
    # --- much of little ---
    "a text times a billion": of("{{ 'x' * 10**9 }}"),
    "a text times a number that is none": of("{{ 'x' * 99999999999999999999 }}"),
    "a list times a billion": of("{{ ([0] * 10**9) | length }}"),
    "doubling": of(
        "{% set ns = namespace(t='x') %}{% for i in range(99) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}{{ ns.t }}"
    ),
    "doubling by a list": of(
        "{% set ns = namespace(t=[1]) %}{% for i in range(99) %}{% set ns.t = ns.t + ns.t %}{% endfor %}{{ ns.t }}"
    ),
    "replacing": of("{% set t = text %}" + "{% set t = t | replace('a', text) %}" * 6 + "{{ t }}"),
    "replacing nothing": of("{{ (text * 900) | replace('', text * 900) }}"),
    "the same by a method": of(
        "{{ text.replace('a', text).replace('a', text).replace('a', text) }}"
    ),
    "a format of great width": of("{{ '%999999999d' | format(1) }}{{ '{:>999999999}'.format(1) }}"),
    "many formats": of("{{ ('%s' * 9999) | format(text) }}"),
    "indenting": of("{{ (('x\n' * 9999) | indent(9999999)) }}"),
    "joining": of("{{ (range(99999) | list) | join(text * 999) }}"),
    "batches": of("{{ range(9) | batch(10**9, 'x') | list }}{{ range(9) | slice(10**9) | list }}"),
    "sorting what was made": of(
        "{% for i in range(9999) %}{{ range(99999) | sort | first }}{% endfor %}"
    ),
    "pretty data": of("{% for i in range(9999) %}{{ items | tojson(indent=9999) }}{% endfor %}"),
    "output without end": of("{% for i in range(99999) %}{{ text }}{{ text }}{% endfor %}"),
    "power": of("{{ 10 ** 10 ** 10 }}{{ 2 ** 999999999999 }}"),
    "splitting": of("{% for i in range(9999) %}{{ (text * 99).split('a') | length }}{% endfor %}"),
    # --- depth, while it is read ---
    "brackets": of("{{ " + "(" * 50_000 + "1" + ")" * 50_000 + " }}"),
    "lists in lists": of("{{ " + "[" * 50_000 + "]" * 50_000 + " }}"),
    "not not": of("{{ " + "not " * 100_000 + "1 }}"),
    "minus minus": of("{{ " + "-" * 100_000 + "1 }}"),
    "a chain of attributes": of("{{ x" + ".a" * 100_000 + " }}"),
    "a chain of filters": of("{{ x" + "|e" * 100_000 + " }}"),
    "a chain of calls": of("{{ x" + "()" * 100_000 + " }}"),
    "a long sum": of("{{ 1" + "+1" * 100_000 + " }}"),
    "conditions in conditions": of("{% if 1 %}" * 20_000 + "{% endif %}" * 20_000),
    "blocks in blocks": of(
        "".join(f"{{% block b{i} %}}" for i in range(5000)) + "{% endblock %}" * 5000
    ),
    "else without end": of("{% if 0 %}" + "{% elif 0 %}" * 50_000 + "{% endif %}"),
    "a tag that never ends": of("{{ '" + "x" * 900_000),
    "many tags": of("{{ name }}" * 90_000),
    "many sources": Bundle(
        locales={f"l{i}": Parts(subject="{{ " * 900) for i in range(100)}, default_locale="l1"
    ),
    # --- what is made of HTML ---
    "elements in elements": of("<div>" * 100_000),
    "tables in tables": of("<table><tr><td>" * 30_000),
    "formatting that is never closed": of("<b><i><u><a href=x><font>" * 10_000 + "<p>" * 2000),
    "many attributes": of("<p " + " ".join(f"a{i}=1" for i in range(50_000)) + ">"),
    "a style of nothing but rules": of(
        "<style>" + "p{color:red}" * 50_000 + "</style>" + "<p>" * 5000
    ),
    "selectors that fit everything": of(
        "<style>"
        + "".join(f"* * * * p:not(.a{i}) ~ * {{ color: red }}" for i in range(800))
        + "</style>"
        + "<p><b>" * 900
    ),
    "one selector of great depth": of(
        "<style>" + "div > " * 50_000 + "p { color: red }</style><p>"
    ),
    ":not in :not": of(
        "<style>" + ":not(" * 50_000 + "p" + ")" * 50_000 + " { color: red }</style><p>"
    ),
    "brackets in CSS": of("<style>p { color: " + "(" * 200_000 + " }</style><p>"),
    "media in media": of("<style>" + "@media all {" * 50_000 + "}" * 50_000 + "</style><p>"),
    "a comment in CSS that never ends": of("<style>/*" + "*" * 500_000 + "</style><p>"),
    "a style sheet from elsewhere": of(
        '<link rel="stylesheet" href="http://127.0.0.1:9/x.css"><style>p{color:red}</style><p>'
    ),
    "a style sheet from a file": of(
        '<link rel=stylesheet href="file:///etc/passwd"><style>@import "/etc/passwd"</style><p>'
    ),
    "MJML of great depth": of("<mjml><mj-body>" + "<mj-wrapper>" * 20_000, kind="mjml"),
    "MJML, well formed, of great depth": of(
        "<mjml><mj-body>"
        + "<mj-section><mj-column>" * 9000
        + "</mj-column></mj-section>" * 9000
        + "</mj-body></mjml>",
        kind="mjml",
    ),
    "much MJML": of(
        "<mjml><mj-body>"
        + "<mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section>" * 10_000
        + "</mj-body></mjml>",
        kind="mjml",
    ),
    "MJML that includes": of(
        '<mjml><mj-body><mj-include path="/etc/passwd" /></mj-body></mjml>', kind="mjml"
    ),
    "entities of entities": of(
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><mjml><mj-body><mj-text>&b;</mj-text></mj-body></mjml>',
        kind="mjml",
    ),
    # --- mad Unicode ---
    "marks over marks": of("{{ name }}" + "a" + "\u0300" * 300_000),
    "no characters": of("\ufffe\uffff\u0000\u202e{{ name }}\u2028\u2029\U0010ffff"),
    "names in every script": of("{{ \u202ename }}{{ \u0645\u062a\u063a\u064a\u0631 }}"),
    "a letter that grows": of("{{ ('\u0390' * 99999) | upper }}{{ ('\ufb03' * 99999) | upper }}"),
    "a zone that is a path": of(
        "{{ now | datetime(zone='../../etc/passwd') }}{{ now | datetime(zone='x' * 9999) }}"
    ),
    "a language that is a path": of("{{ now | date(locale='../../etc/passwd') }}"),
}


# Each takes all of its processor time
SLOW = frozenset(
    {
        *("a layout that extends itself", "doubling by a list", "many attributes", "many tags"),
        *("a style of nothing but rules", "much MJML", "selectors that fit everything"),
    }
)


@pytest.fixture
async def pool() -> AsyncIterator[RenderPool]:
    pool = RenderPool(SETTINGS, Witness())
    yield pool
    await pool.close()


async def fill(pool: RenderPool, bundle: Bundle, tenant: str, **data: Any) -> Rendered | Problem:
    encoded = encode_bundle(bundle)
    (answer,) = await pool.render(
        bundle.digest, lambda: encoded, [Filling(data=data, now=1_700_000_000_000)], tenant=tenant
    )
    return answer


async def check_good(pool: RenderPool, name: str) -> None:
    answer = await fill(pool, GOOD, "good", name=name)
    assert isinstance(answer, Rendered), answer
    assert (answer.subject, answer.html) == (f"Hello {name}", f"<p>{name}</p>")


def check_bounded(name: str, answer: Rendered | Problem) -> None:
    if isinstance(answer, Problem):
        assert answer.message, name
        assert answer.kind is not ProblemKind.BUSY, name
        return
    texts = (answer.subject, answer.preheader, answer.html, answer.text, answer.amp)
    assert sum(len(each.encode()) for each in texts if each) <= OUTPUT_OCTETS, name
    assert "root:" not in str(texts), name


async def test_no_template_harms_anybody(pool: RenderPool) -> None:
    """All in one pool: what one of them leaves behind would show in the next."""
    for name, bundle in CORPUS.items():
        hostile = asyncio.create_task(fill(pool, bundle, "hostile", **FEW))
        await check_good(pool, f"beside {len(name)}")
        check_bounded(name, await hostile)
        await check_good(pool, f"behind {len(name)}")


async def test_no_examination_harms_anybody(pool: RenderPool) -> None:
    for name, bundle in CORPUS.items():
        if name in SLOW:
            continue  # seen above, and an examination has the same limits
        found = await pool.examine(bundle, Filling(data=FEW), tenant="hostile")
        for problem in found.problems:
            check_bounded(name, problem)
        await check_good(pool, "behind")


ATTRIBUTES = (
    *("__class__", "__class__.__mro__", "__init__.__globals__", "__dict__", "__reduce__"),
    *("__class__.__base__.__subclasses__()", "format.__globals__", "__getattribute__('__class__')"),
)


@pytest.mark.parametrize("thing", ["name", "items", "items[0]", "now", "self", "loop", "range"])
async def test_nothing_of_python_can_be_reached(pool: RenderPool, thing: str) -> None:
    encoded = [
        encode_bundle(of(f"<p>{{{{ {thing}.{each} }}}}</p>", missing="lenient"))
        for each in ATTRIBUTES
    ]
    for each in encoded:
        bundle = msgspec.msgpack.decode(each, type=Bundle)
        answer = await fill(pool, bundle, "hostile", **FEW)
        if isinstance(answer, Rendered):
            assert answer.html == "<p></p>"


DATA: dict[str, Any] = {
    "depth": None,
    "width": {"name": {f"k{i}": i for i in range(20_000)}},
    "great numbers": {"name": 2**63, "items": [1e308, -1e308, 2**64 - 1]},
    "names that are tricks": {"__class__": "x", "self": 1, "loop": 2, "now": 3, "": 4, "name": "n"},
    "a text of marks": {"name": "\u0300" * 100_000},
    "a template": {"name": "{{ name }}{% for i in range(99999) %}x{% endfor %}"},
}


async def test_no_data_harm_anybody(pool: RenderPool) -> None:
    deep: list[Any] = []
    for _ in range(900):
        deep = [deep]
    cases = DATA | {"depth": {"name": deep}}
    source = "{{ name }}{{ name | tojson }}{% for each in items %}{{ each }}{% endfor %}"
    for name, data in cases.items():
        bundle = of(source, missing="lenient")
        check_bounded(name, await fill(pool, bundle, "hostile", **data))
        await check_good(pool, "behind")


async def test_one_hostile_row_of_many_is_the_only_one_refused(pool: RenderPool) -> None:
    """The template is good; what breaks it is in one row's data."""
    bundle = of(
        "{% for i in range(times) %}{% for j in range(times) %}{% endfor %}{% endfor %}{{ n }}"
    )
    encoded = encode_bundle(bundle)
    fillings = [Filling(data={"n": n, "times": 99_999 if n == 150 else 1}) for n in range(300)]
    answers = await pool.render(bundle.digest, lambda: encoded, fillings, tenant="t")
    assert [n for n, each in enumerate(answers) if isinstance(each, Problem)] == [150]
    assert [each.html for each in answers if isinstance(each, Rendered)] == [
        str(n) for n in range(300) if n != 150
    ]
