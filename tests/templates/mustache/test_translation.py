"""Mustaches and what they come to: names, blocks, whitespace, and what is refused with its place."""

import pytest

from angarium.templates.mustache.translation import Dialect, translate
from angarium.templates.rendering import Problem, ProblemKind
from tests.templates.made import bundle, filled, mustache, piece, problem, translated

DATA = {
    "name": "<Ada>",
    "user": {"first-name": "A", "tags": ["x", "y"], "address": {"city": "Wien"}},
    "items": [{"n": "a", "q": 1}, {"n": "b", "q": 0}],
    "map": {"k": "v", "l": "w"},
    "empty": [],
    "nothing": {},
    "zero": 0,
    "yes": True,
    "no": False,
    "price": 3.0,
    "half": 0.5,
    "co": "ACME",
}
VALUES = [
    ("{{name}}", "&lt;Ada&gt;"),
    ("{{ name }}|{{{name}}}|{{& name}}", "&lt;Ada&gt;|<Ada>|<Ada>"),
    ("[{{missing}}{{missing.a.b}}{{{missing}}}]", "[]"),
    ("{{user.address.city}} {{user/address/city}}", "Wien Wien"),
    ("{{user.first-name}} {{user.[first-name]}}", "A A"),
    ("{{user.tags.[1]}} {{user.tags.0}} {{user.tags.length}} {{name.length}}", "y x 2 5"),
    ("{{this.name}} {{./name}}", "&lt;Ada&gt; &lt;Ada&gt;"),
    ("{{yes}} {{no}} {{price}} {{half}} {{zero}}", "true false 3 0.5 0"),
    ("{{user.tags}} {{nothing}}", "x,y [object Object]"),
    ("{{map.keys}}{{map.items}}{{map.get}}{{user.update}}", ""),
    ("{{@root.name}}", "&lt;Ada&gt;"),
    ("{{! not shown }}a{{!-- {{nor}} this --}}b", "ab"),
    (r"\{{name}} \\{{zero}}", "{{name}} \\0"),
    ("{% if x %} {# y #} { } {", "{% if x %} {# y #} { } {"),
    ("{{{name}}}{", "<Ada>{"),
    ("{{name}}{{{ name }}}", "&lt;Ada&gt;<Ada>"),
    ("{{{missing|you & me}}} {{name|there}}", "you & me &lt;Ada&gt;"),
    ("{{lookup user 'first-name'}} {{lookup user.tags 1}} {{lookup map x}}", "A y "),
    ("{{length items}} {{length name}} {{length zero}} {{length missing}}", "2 5 0 0"),
]
BLOCKS = [
    ("{{#if name}}y{{else}}n{{/if}}{{#if missing}}y{{else}}n{{/if}}", "yn"),
    ("{{#if zero}}y{{else if empty}}e{{else if map}}m{{else}}n{{/if}}", "m"),
    ("{{#if nothing}}y{{else}}n{{/if}}{{#if ''}}y{{^}}n{{/if}}", "yn"),
    ("{{#if zero includeZero=true}}y{{else}}n{{/if}}", "y"),
    ("{{#unless missing}}u{{else}}n{{/unless}}", "u"),
    ("{{#each items}}{{this.n}}{{../co}}{{@root.co}};{{/each}}", "aACMEACME;bACMEACME;"),
    ("{{#each empty}}x{{else}}none{{/each}}{{#each missing}}x{{/each}}", "none"),
    ("{{#each map}}{{@key}}={{this}} {{/each}}", "k=v l=w "),
    ("{{#each user.tags}}{{.}}{{this}}{{@index}}{{/each}}", "xx0yy1"),
    ("{{#each items as |it at|}}{{at}}{{it.n}}{{/each}}", "0a1b"),
    ("{{#each items}}{{#if q}}{{n}}{{../co}}{{/if}}{{/each}}", "aACME"),
    ("{{#with user.address}}{{city}}{{../co}}{{/with}}", "WienACME"),
    ("{{#with missing}}x{{else}}no {{co}}{{/with}}", "no ACME"),
    ("{{#with user as |u|}}{{u.address.city}}{{/with}}", "Wien"),
    ("{{#user}}{{address.city}}{{/user}}{{#missing}}x{{/missing}}", "Wien"),
    ("{{#items}}{{n}}{{/items}}{{#empty}}x{{/empty}}{{#yes}}{{co}}{{/yes}}", "abACME"),
    ("{{^missing}}none{{/missing}}{{^items}}none{{/items}}{{^empty}}e{{/empty}}", "nonee"),
    ("{{#items}}{{n}}{{else}}none{{/items}}", "ab"),
    ("{{#items as |it at|}}{{at}}{{it.n}}{{/items}}", "0a1b"),
    ("{{#if a}}1{{else each items}}{{n}}{{else}}3{{/if}}", "ab"),
    ("{{#if (and name (or missing yes))}}y{{/if}}{{#if (not name)}}n{{/if}}", "y"),
    ("{{#equals co 'ACME'}}=={{/equals}}{{#notEquals 3 '3'}}!={{/notEquals}}", "=="),
    ("{{#equal zero '0'}}=={{/equal}}{{#if (eq co name)}}n{{else if (eq 1 1)}}y{{/if}}", "==y"),
    ("{{#gt 10 9}}a{{/gt}}{{#gte 9 9}}b{{/gte}}{{#lt '9' 10}}c{{/lt}}{{#lte 2 1}}d{{/lte}}", "abc"),
]


@pytest.mark.parametrize(("source", "result"), VALUES)
def test_values(source: str, result: str) -> None:
    assert mustache(source, DATA) == result


@pytest.mark.parametrize(("source", "result"), BLOCKS)
def test_blocks(source: str, result: str) -> None:
    assert mustache(source, DATA) == result


def test_a_loop_knows_its_index_and_its_ends_and_those_around_it() -> None:
    source = "{{#each a}}{{@index}}{{#if @first}}F{{/if}}{{#if @last}}L{{/if}}{{/each}}"
    assert mustache(source, {"a": [1, 2, 3]}) == "0F12L"
    source = "{{#each a}}{{#each ../b}}{{@../index}}{{@index}} {{/each}}{{/each}}"
    assert mustache(source, {"a": [1, 2], "b": [1, 2]}) == "00 01 10 11 "


def test_more_ups_than_there_are_end_at_the_outermost() -> None:
    assert mustache("{{#each items}}{{../../../../../co}}{{/each}}", DATA) == "ACMEACME"


LINES = [
    ("a\n  {{#if yes}}\n  b\n  {{/if}}\nc\n", "a\n  b\nc\n"),
    ("{{#each user.tags}}\n- {{this}}\n{{/each}}\nend", "- x\n- y\nend"),
    ("a\r\n{{! alone }}\r\nb", "a\r\nb"),
    ("a {{#if yes}}\nb{{/if}}", "a \nb"),
    ("a\n  {{~#if yes~}}  \n b \n{{~/if~}}\n c", "abc"),
    ("{{#if yes}}\nx\n{{else}}\ny\n{{/if}}", "x\n"),
    ("a\n{{name}}\nb", "a\n<Ada>\nb"),
]


@pytest.mark.parametrize(("source", "result"), LINES)
def test_a_tag_that_has_a_line_for_itself_leaves_none(source: str, result: str) -> None:
    made = bundle(text=translated(source), syntax="mustache")
    assert filled(made, DATA).text == result


@pytest.mark.parametrize("source", [each[0] for each in LINES])
def test_lines_keep_their_numbers(source: str) -> None:
    assert translated(source).count("\n") == source.count("\n")


REFUSED = [
    ("a\n  {{#if x}}", 2, 3, "'if' is opened here and not closed"),
    ("a {{/if}}", 1, 3, "was not opened"),
    ("{{#if a}}\n{{/each}}", 2, 1, "where 'if' is open"),
    ("{{#each a}}{{/if}}", 1, 12, "where 'each' is open"),
    ("\n\n {{shout name}}", 3, 4, "the helper 'shout' is not known"),
    ("{{#shout a b}}{{/shout}}", 1, 4, "the helper 'shout' is not known"),
    ("{{ name", 1, 1, "not closed by }}"),
    ("é {{{ name }}", 1, 3, "not closed by }}}"),
    ("{{! x", 1, 1, "comment is not closed"),
    ("{{=<% %>=}}", 1, 1, "other delimiters"),
    ("{{{{raw}}}}x{{{{/raw}}}}", 1, 1, "four braces"),
    ("{{#> layout}}{{/layout}}", 1, 1, "partials with a block"),
    ("{{> (lookup . 'x')}}", 1, 5, "named by a word"),
    ("{{}}", 1, 1, "a name is missing"),
    ("{{@wrong}}", 1, 3, "@wrong is not known"),
    ("\n{{#if (eq a @wrong)}}{{/if}}", 2, 13, "@wrong is not known"),
    ("{{#each a}}{{insert @up 'x'}}{{/each}}", 1, 21, "@up is not known"),
    ("{{@index}}", 1, 3, "@index is not known"),
    ("{{else}}", 1, 1, "belongs to no block"),
    ("{{#if a}}{{else}}{{else}}{{/if}}", 1, 18, "belongs to no block"),
    ("{{#if a b}}{{/if}}", 1, 4, "one thing"),
    ("{{#equals a}}{{/equals}}", 1, 4, "2 things"),
    ("{{insert a b=1}}", 1, 3, "has no 'b'"),
    ("{{#if (eq a b}}{{/if}}", 1, 14, "a bracket is not closed"),
    ("{{a b=1 c}}", 1, 9, "what has no name"),
    ("{{#if a}}{{{@content}}}{{/if}}", 1, 10, "in no block"),
    ("{{{@content}}}{{{@content}}}", 1, 15, "and once"),
    ("{{#*foo 'x'}}{{/foo}}", 1, 5, "{{#*inline"),
    ("{{#if a}}" * 51, 1, 451, "nested deeper"),
    ("{{#if (x)}}y{{/if}}", 1, 8, "'x' is not known"),
    ("a\n{{eq (x) 1}}", 2, 7, "'x' is not known"),
    ("{{#if (eq)}}y{{/if}}", 1, 8, "2 things"),
    ("{{#each ('x')}}y{{/each}}", 1, 10, "named by a word"),
    ("{{#*inline 'a'}}\n{{> a}}{{/inline}}{{> a}}", 2, 1, "'a' uses itself"),
    (
        "{{#*inline 'a'}}{{> b}}{{/inline}}{{#*inline 'b'}}{{> a}}{{/inline}}{{> a}}",
        1,
        17,
        "'b' is defined below",
    ),
]


@pytest.mark.parametrize(("source", "line", "column", "words"), REFUSED)
def test_what_cannot_be_translated_is_refused_with_its_place(
    source: str, line: int, column: int, words: str
) -> None:
    found = translate(source, part="html")
    assert isinstance(found, Problem)
    assert words in found.message
    assert (found.kind, found.part) == (ProblemKind.SYNTAX, "html")
    assert (found.line, found.column) == (line, column)


def test_a_partial_of_the_tenants_sees_what_is_here() -> None:
    pieces = {
        "line": piece(html=translated("<li>{{n}} {{@root.co}} {{note}}</li>")),
        "foot": piece(html=translated("<i>{{co}}</i>")),
    }
    source = "{{#each items}}{{> line note='!'}}{{/each}}{{> foot}}{{> line user}}"
    made = bundle(html=translated(source), syntax="mustache", pieces=pieces)
    assert filled(made, DATA).html == (
        "<li>a ACME !</li><li>b ACME !</li><i>ACME</i><li> ACME </li>"
    )
    missing = bundle(html=translated("\n{{> nonesuch}}"), syntax="mustache")
    assert (problem(missing).line, problem(missing).column) == (2, None)


def test_a_partial_with_a_line_for_itself_is_indented_as_handlebars_does_it() -> None:
    pieces = {"item": piece(text="- {{ _here.n }}\n\n  more\n", html="<b>\n</b>\n")}
    source = "List:\n  {{> item user}}\n{{#*inline 'x'}}\n{{n}}\nsecond\n{{/inline}}\n\t{{> x}}\nend {{> x}}\n"
    made = bundle(text=translated(source), syntax="mustache", pieces=pieces)
    found = filled(made, {"user": {"n": "one\ntwo"}, "n": "<n>"}).text
    assert found == ("List:\n  - one\n  two\n  \n    more\n\t<n>\n\tsecond\nend <n>\nsecond\n\n")
    kept = bundle(
        html=translated("{{#if a}}\n  {{~> item~}}\n{{/if}}\n  {{> item}}\n"),
        syntax="mustache",
        pieces=pieces,
    )
    assert filled(kept, {"a": True}).html == "<b>\n</b>\n  <b>\n  </b>\n"


SES_STRICT = [
    ("{{name}}{{#if missing}}{{missing}}{{else}}friend{{/if}}", "&lt;Ada&gt;friend"),
    ("{{#unless missing}}u{{/unless}}{{#each missing}}x{{/each}}{{#missing}}x{{/missing}}", "u"),
    ("{{#each items}}{{@index}}{{n}}{{this.q}}{{/each}}{{zero}}{{no}}{{{co}}}", "0a11b00falseACME"),
    ("{{#each user.tags}}{{this}}{{.}}{{/each}}{{missing|x}}", "xxyyx"),
]


@pytest.mark.parametrize(("source", "result"), SES_STRICT)
def test_what_ses_needs_not_be_given_is_as_with_others(source: str, result: str) -> None:
    assert mustache(source, DATA, "ses") == result


@pytest.mark.parametrize(
    ("source", "variable", "line", "column"),
    [
        ("a\n {{ missing }}", "missing", 2, 5),
        ("{{{user.none}}}{{zero}}", "user.none", 1, 4),
        ("{{#each items}}{{n}}\n{{this.none}}{{/each}}", "none", 2, 3),
        ("{{map.keys}}", "map.keys", 1, 3),
    ],
)
def test_a_variable_that_ses_writes_must_be_given(
    source: str, variable: str, line: int, column: int
) -> None:
    found = problem(bundle(html=translated(source, "ses"), syntax="mustache"), DATA)
    assert (found.kind, found.variable) == (ProblemKind.MISSING_VARIABLE, variable)
    assert (found.part, found.line, found.column) == ("html", line, column)
    assert f"{variable} is not given" in found.message
    mustache(source, DATA)  # with others it is empty


def test_a_variable_that_lacks_in_a_partial_of_ses_is_told_with_the_partial() -> None:
    foot = piece(html=translated("<i>\n{{co.name}}</i>", "ses"))
    made = bundle(html=translated("{{> foot}}", "ses"), syntax="mustache", pieces={"foot": foot})
    found = problem(made, DATA)
    assert (found.template, found.variable, found.line) == ("foot", "co.name", 2)


def test_a_layout_has_the_place_of_its_content() -> None:
    frame = piece(html=translated("<body>{{{ @content }}}<i>{{co}}</i></body>", "postmark"))
    made = bundle(
        html=translated("<p>{{name}}</p>", "postmark"),
        syntax="mustache",
        layout="frame",
        pieces={"frame": frame},
    )
    assert filled(made, DATA).html == "<body><p>&lt;Ada&gt;</p><i>ACME</i></body>"


@pytest.mark.parametrize("dialect", ["mustache", "sendgrid", "mailgun", "ses", "resend"])
def test_handlebars_are_alike_with_all_vendors(dialect: Dialect) -> None:
    assert mustache("{{#if yes}}{{name}}{{/if}}", DATA, dialect) == "&lt;Ada&gt;"


def test_an_array_is_asked_for_where_postmark_goes_through_it() -> None:
    made = bundle(html=translated("{{#each co}}x{{/each}}", "postmark"), syntax="mustache")
    assert "no array" in problem(made, DATA).message


def test_a_subject_is_not_escaped() -> None:
    made = bundle(subject=translated("{{name}} & {{{name}}}"), syntax="mustache")
    assert filled(made, DATA).subject == "<Ada> & <Ada>"
