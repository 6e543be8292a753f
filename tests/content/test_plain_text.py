"""Mirrors angarium.content.plain_text: what a reader sees of HTML, as lines."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angarium.content.letter import LetterError
from angarium.content.plain_text import MAX_DEPTH, plain_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hi <b>you</b>,\n  all</p><p>bye</p>", "Hi you, all\n\nbye\n"),
        ("one<br>two<br><br>three", "one\ntwo\n\nthree\n"),
        ("<h1>Big</h1>text", "Big\n\ntext\n"),
        ("<ul><li>a<li>b <ul><li>c</ul></ul>d", "- a\n- b\n  - c\n\nd\n"),
        ('<ol start="3"><li>a</li><li>b</li></ol>', "3. a\n4. b\n"),
        ("<p>a</p><blockquote><p>b</p><p>c</p></blockquote>", "a\n\n> b\n>\n> c\n"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"),
        ("<pre>a\n  b</pre>", "a\n  b\n"),
        ("a&nbsp;&amp;&lt;b", "a &<b\n"),
        ('<img alt="Logo" src="x"> shop', "Logo shop\n"),
        ("a<hr>b", f"a\n{'-' * 40}\nb\n"),
        ("soft\u00adhyphen\u200b", "softhyphen\n"),
    ],
)
def test_what_is_shown_stands_in_lines(html: str, text: str) -> None:
    assert plain_text(html) == text


@pytest.mark.parametrize(
    ("link", "text"),
    [
        (
            '<a href="https://x.example/a?b=1&amp;c=2">our page</a>',
            "our page (https://x.example/a?b=1&c=2)",
        ),
        ('<a href="https://x.example/">x.example</a>', "x.example"),
        ('<a href="https://x.example/a">https://x.example/a</a>', "https://x.example/a"),
        ('<a href="mailto:a@b.example">a@b.example</a>', "a@b.example"),
        ('<a href="mailto:a@b.example">write</a>', "write (mailto:a@b.example)"),
        ('<a href="#top">up</a>', "up"),
        ('<a href="javascript:alert(1)">no</a>', "no"),
        ('<a href="https://y.example/"><img alt="Logo"></a>', "Logo (https://y.example/)"),
        ('<a href="https://y.example/"></a>', "https://y.example/"),
        ('<a name="here">anchor</a>', "anchor"),
        ("<a href='https://x.example/a b'>gap</a>", "gap (https://x.example/a%20b)"),
    ],
)
def test_a_link_has_its_address_behind_its_words(link: str, text: str) -> None:
    assert plain_text(f"<p>{link}</p>") == f"{text}\n"


@pytest.mark.parametrize(
    "html",
    [
        "<style>p{}</style><script>x</script><!-- c --><title>t</title>",
        '<div style="display: none">preheader</div>',
        "<div style='color:red;DISPLAY:none'>x</div>",
        "<p hidden>x</p>",
        "<template>x</template>",
        "",
        "   \n ",
    ],
)
def test_what_is_not_shown_is_left_out(html: str) -> None:
    assert plain_text(html) == ""


def test_what_stands_beside_something_hidden_is_shown() -> None:
    assert plain_text('<p>a<span style="display:none">b</span>c</p>') == "ac\n"


@pytest.mark.parametrize("tag", ["div", "ul", "table", "blockquote", "x-own"])
def test_html_that_is_nested_too_deep_is_refused(tag: str) -> None:
    with pytest.raises(LetterError, match="bodyHtml"):
        plain_text(f"<{tag}>" * (MAX_DEPTH + 1))
    assert plain_text(f"<{tag}>" * (MAX_DEPTH // 2) + "x").endswith("x\n")


def test_many_elements_beside_each_other_are_not_deep() -> None:
    html = "<ul>" + "<li>a<p>b<br><img>" * 5000 + "</ul>"
    assert plain_text(html).count("- a") == 5000


@given(st.text(st.sampled_from("<>/ab&;=\"'\n pdivula!-brt"), max_size=400))
@settings(max_examples=200)
def test_any_text_has_one_and_no_line_ends_in_a_blank(html: str) -> None:
    assert all(line == line.rstrip(" ") for line in plain_text(html).split("\n"))


@pytest.mark.parametrize("piece", ["<p>", "&amp;", "<a href=x>", "<td>", "a ", "<", "<!--"])
def test_a_megabyte_of_one_thing_takes_its_length(piece: str) -> None:
    """C4. In the square of it, it would take minutes."""
    began = time.process_time()
    plain_text(piece * (1_000_000 // len(piece)))
    assert time.process_time() - began < 30
