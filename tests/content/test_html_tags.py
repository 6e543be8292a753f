"""Mirrors angarium.content.html_tags: tags stand where a browser's parser finds them."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from angarium.content.html_tags import Comment, tags, tags_and_comments

Seen = list[tuple[str, tuple[tuple[str, str], ...]]]


def seen(html: str) -> Seen:
    """Opening tags with their attributes, in order."""
    return [
        (tag.name, tuple((each.name, each.value) for each in tag.attributes))
        for tag in tags(html)
        if not tag.closing
    ]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>a</p>", [("p", ())]),
        ('<a href="x>y" b=c d>z</a>', [("a", (("href", "x>y"), ("b", "c"), ("d", "")))]),
        ("<!-- <a> --><b>", [("b", ())]),
        ("<!--><p>", [("p", ())]),
        ("<!---><p>", [("p", ())]),
        ("<!-- --!><p>", [("p", ())]),
        ("<!-- <p>", []),
        ("<script>if(a<b){'</x><y>'}</SCRIPT ><i>", [("script", ()), ("i", ())]),
        ("<title><b></title><p>", [("title", ()), ("p", ())]),
        ("<style><p>", [("style", ())]),
        ("<plaintext><p>", [("plaintext", ())]),
        ("<a href=x/y>", [("a", (("href", "x/y"),))]),
        ("<br/>", [("br", ())]),
        ("</ p><u>", [("u", ())]),
        ("<!DOCTYPE html><html>", [("html", ())]),
        ("<a =x=y>", [("a", (("=x", "y"),))]),
        ("<?x <a> ?><b>", [("b", ())]),
        ("<A\nHREF\n=\n'x'\n>", [("a", (("href", "x"),))]),
        ("<a href=1 HREF=2>", [("a", (("href", "1"),))]),
        ("<a href=>x", [("a", (("href", ""),))]),
        ("<a b='<p>", []),
        ("1 < 2 <b>", [("b", ())]),
        ("</é <x>> <b>", [("b", ())]),
        ("<a b=c\xa0d\x85e>", [("a", (("b", "c\xa0d\x85e"),))]),
        ("<a b 'c><p>", [("a", (("b", ""), ("'c", ""))), ("p", ())]),
        ("<a b = 'c><p>", []),
        ("<a", []),
    ],
)
def test_a_tag_is_what_a_browser_takes_for_one(html: str, expected: Seen) -> None:
    assert seen(html) == expected


def test_places_are_exact() -> None:
    html = """é<p class='a b'>x</p><img src=u alt="">"""
    opening, closing, image = tags(html)
    assert html[opening.start : opening.end] == "<p class='a b'>"
    assert html[closing.start : closing.end] == "</p>"
    source, alt = image.attributes
    assert html[source.start : source.end] == "u"
    assert (alt.start, alt.end) == (html.index('""') + 1,) * 2
    assert opening.find("id") is None


PIECES = st.lists(
    st.sampled_from(
        [
            *("<x-a", "<x-b", "</x-a", "</x-b", "<", ">", "/", " ", "=", '"', "'", "\n", "\t"),
            *(
                "a",
                "b=c",
                'b="c"',
                "b='c'",
                "href=",
                "<!--",
                "-->",
                "--!>",
                "<!",
                "<?",
                "!",
                "-",
                "é",
            ),
        ]
    ),
    max_size=40,
).map("".join)


@given(PIECES)
@example("<x-a b=c'>")
@example('<x-a b "c>')
@example("<x-a b= 'c>")
@example("<x-a b='c'd>")
@settings(max_examples=300, deadline=None)
def test_tags_are_those_of_a_browsers_parser(html: str) -> None:
    body = LexborHTMLParser("<body>" + html).body
    assert body is not None
    expected = [
        (node.tag, tuple((name, value or "") for name, value in node.attributes.items()))
        for node in body.traverse(include_text=False)
        if (node.tag or "").startswith("x-")
    ]
    assert [each for each in seen(html) if each[0].startswith("x-")] == expected


NAMES = frozenset({"x-a", "/x-a", "body", "/p"})
MORE = st.lists(
    st.sampled_from(
        [
            *("<p", "<x-a ", "<X-A\n", "<x-a>", "</x-a>", "</p>", "<p>", "<pa", "<style>", "</style>", "<title>"),
            *("</title>", "<!--", "-->", "--!>", "<!-->", "<![", "<?", "</", "<", ">", "/", " ", "=", '"', "'"),
            *("\n", "\f", "\v", "\x85", "\xa0", "\u212a", "\u017f", "a", "b=c", ' b="c>"', " b='c'", " b = c", "=b"),
            *("<script ", "<\u017fcript>", "<plaintext>", "<body>", "</body", "<textarea/>", ' b="c"d=e', "<\xe9"),
        ]
    ),
    max_size=30,
).map("".join)  # fmt: skip


@given(MORE | PIECES)
@example('<p =">"><x-a>')
@example('<p a="b"="<x-a>">')
@example('<p="<x-a>">')
@example('<p/="<x-a>">')
@example('<p a=b="<x-a>">')
@example('<p a=b"<x-a>">')
@example("<x-a></\u212a><\u017fcript><x-a>")
@settings(max_examples=1000, deadline=None)
def test_those_of_some_names_are_found_just_as_among_all(html: str) -> None:
    everything = list(tags_and_comments(html))
    expected = [
        each
        for each in everything
        if isinstance(each, Comment) or "/" * each.closing + each.name in NAMES
    ]
    assert list(tags_and_comments(html, NAMES)) == expected


ATTRIBUTES = frozenset({"b", "href", "x-y"})
WITH = st.lists(
    st.sampled_from(
        [
            *("<x-a", "<xa", "<X-A", "</x-a", "<p", "<b", ">", "/>", '">', ' b="c"', ' B="<x-a>"', ' href=""', " b"),
            *(' c="d"', ' X-Y=">"', ' x-yz="e"', ' bc=" b="', " b='c'", " b=c", "  ", '"', "=", "<style>", "</style>"),
        ]
    ),
    max_size=30,
).map("".join)  # fmt: skip


@given(WITH | MORE, st.sampled_from([None, NAMES | {"xa", "b"}]))
@example('<x-a c="d" b="<x-a>" c="e" b="f">', NAMES)
@example('<xa c=" b=" b="f"/>', frozenset({"xa"}))
@example("<x-a" + ' c=""' * 500 + ' b="c"' + ' c=""' * 500 + ">", NAMES)
@settings(max_examples=1000, deadline=None)
def test_some_attributes_are_read_just_as_among_all(
    html: str, names: frozenset[str] | None
) -> None:
    expected = [
        (each.name, each.start, each.end, tuple(a for a in each.attributes if a.name in ATTRIBUTES))
        for each in tags(html, names)
    ]
    assert [
        (each.name, each.start, each.end, each.attributes) for each in tags(html, names, ATTRIBUTES)
    ] == expected


def test_more_tags_and_attributes_than_are_passed_at_once_are_passed() -> None:
    html = "<p>" * 3000 + "<p " + "a='>' " * 1000 + "><x-a>"
    assert [each.start for each in tags(html, NAMES)] == [len(html) - 5]


def test_comments_have_their_text() -> None:
    html = "<!--a--><!-- b --!><!--><!---><!-- <p> -->"
    texts = [
        html[each.start : each.end] for each in tags_and_comments(html) if isinstance(each, Comment)
    ]
    assert texts == ["a", " b ", "", "", " <p> "]


@given(MORE)
def test_a_text_of_octets_is_read_as_its_characters_are(html: str) -> None:
    octets = html.encode().decode("latin-1")
    ours = [(each.name, each.closing) for each in tags(octets, NAMES)]
    assert ours == [(each.name, each.closing) for each in tags(html, NAMES)]


@pytest.mark.parametrize(
    "piece",
    [
        "<a ",
        "<p>",
        "<p a='b' ",
        "<x-a>",
        "<",
        "<!--",
        "</",
        '<a b="',
        "<title>",
        "<p a=b ",
        "'=\"<",
        '<p a="b" ',
        '<x-a a="b"',
        '<x-a b="',
        "<b>",
    ],
)
def test_a_megabyte_of_one_thing_takes_its_length(piece: str) -> None:
    """C4."""
    began = time.process_time()
    html = piece * (1_000_000 // len(piece))
    of_names = sum(1 for _ in tags(html, NAMES))
    assert sum(1 for _ in tags(html)) >= of_names
    assert sum(1 for _ in tags(html, NAMES, ATTRIBUTES)) == of_names
    assert time.process_time() - began < 30
