"""Mirrors angarium/content/checking, by a corpus of mails and what is to be found of each."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.content.checking.checking import PARTS, RULES, check, check_rendered, finding
from angarium.content.checking.html_reading import MAX_CHARACTERS, MAX_DEPTH, MAX_TAGS, read_html
from angarium.content.checking.mail import Facts, File, Mail, Person
from angarium.content.checking.rule import Broken
from angarium.content.checking.scan_rules import SCANS
from angarium.content.checking.spam_score import spam_score
from tests.content.checking.corpus import BULK, CORPUS, GOOD, GOOD_HTML, MASS, PLAIN, but, link


def codes(mail: Mail, facts: Facts) -> list[str]:
    return [each.code for each in check(mail, facts)]


@pytest.mark.parametrize(
    ("mail", "facts", "expected"),
    [each[1:] for each in CORPUS],
    ids=[each[0] for each in CORPUS],
)
def test_what_is_wrong_is_found_and_nothing_else(
    mail: Mail, facts: Facts, expected: tuple[str, ...]
) -> None:
    assert Counter(codes(mail, facts)) == Counter(expected)


def test_each_rule_has_a_mail_that_breaks_it() -> None:
    broken = {code for _, _, _, expected in CORPUS for code in expected}
    others = {each.code for each in SCANS.rules}  # what other programs say
    assert broken | others == set(RULES)


def test_each_rule_says_what_is_wrong_what_to_do_and_why() -> None:
    assert len(RULES) == sum(len(each.rules) for each in PARTS)  # no code twice
    for rule in RULES.values():
        assert rule.code.replace("_", "").isalnum()
        assert rule.wrong
        assert rule.remedy
        assert rule.reason
        for words in (rule.wrong, rule.remedy, rule.reason):
            assert not words.endswith(".")


def test_a_finding_says_what_where_and_what_to_do() -> None:
    (found,) = check(link("http://shop.example/a?b=1&amp;c=2"), PLAIN)
    assert (found.level, found.field) == ("hint", "bodyHtml")
    assert found.message == "a link begins with http, not https: write https"
    assert found.detail == "http://shop.example/a?b=1&c=2"


def test_several_at_one_place_are_one_finding_with_examples() -> None:
    more = "".join(f'<a href="http://shop.example/{each}">x</a>' for each in range(8))
    (found,) = check(but(html=GOOD_HTML.replace("</body>", more)), PLAIN)
    assert found.detail.startswith("http://shop.example/0, http://shop.example/1, ")
    assert found.detail.endswith("http://shop.example/4 and 3 more")


def test_what_is_bad_in_bulk_alone_blocks_there_alone() -> None:
    mail = but(subject="RE: news")
    assert [each.level for each in check(mail, PLAIN)] == ["hint"]
    found = check(but(subject="RE: news", html=BULK.html, fields=BULK.fields), MASS)
    assert [(each.code, each.level) for each in found] == [("subject_false_reply", "blocker")]


def test_blockers_come_first() -> None:
    mail = but(subject="LOOK AT THIS!!", html=GOOD_HTML + "<script>x</script>")
    levels = [each.level for each in check(mail, PLAIN)]
    assert levels == ["blocker", "hint", "hint"]


def test_only_what_is_asked_for_is_looked_at() -> None:
    class Unread(str):
        __slots__ = ()

        def __getitem__(self, key: Any) -> str:
            raise AssertionError("the HTML was read")

    mail = but(html=Unread("<script>x</script>"), subject="")
    found = check(mail, PLAIN, frozenset({"subject_missing", "from_free_mail"}))
    assert [each.code for each in found] == ["subject_missing"]


def test_parts_of_a_template_are_looked_at_without_sender_and_header() -> None:
    found = check_rendered(
        subject="News", html=BULK.html, text=BULK.text, preheader="What is new", is_bulk=True
    )
    assert found == ()
    found = check_rendered(subject="Dear {{ name }}", html=None, text="x", is_bulk=True)
    assert {each.code for each in found} == {
        "variable_left",
        "unsubscribe_link_missing",
        "postal_address_missing",
    }


def test_points_are_counted_once_for_each_rule() -> None:
    mail = but(
        subject="EVERYTHING MUST GO!!", html=GOOD_HTML + "<iframe></iframe><iframe></iframe>"
    )
    score = spam_score(check(mail, PLAIN))
    assert [(each.code, each.points) for each in score.rules] == [
        ("html_frame", 2.5),
        ("subject_capitals", 1.5),
        ("subject_punctuation", 1.0),
    ]
    assert (score.points, score.judgement) == (5.0, "likely spam")
    assert spam_score(()).judgement == "good"
    assert (
        spam_score(check(but(html="<iframe></iframe>", text=None), PLAIN)).judgement == "suspicious"
    )


def test_what_is_shown_of_a_mail_is_one_printable_line() -> None:
    broken = Broken(code="variable_left", field="subject", examples=("a\r\nb\u202e" + "x" * 500,))
    shown = finding(broken, is_bulk=False).detail
    assert shown.startswith("a  b x")
    assert len(shown) == 83


HOSTILE = {
    "links": "<a>",
    "links within links": "<a href=http://x>",
    "attributes": "<a b c d e f g h i j>",
    "an endless tag": "<a b='c' ",
    "brackets": "<",
    "comments": "<!--",
    "mustaches": "{{",
    "square ones": "[[",
    "percents": "%%a",
    "stars": "*|",
    "gaps": "a ",
    "greetings": "dear ",
    "blanks": " ",
    "digits": "1",
    "references": "&amp",
    "elements": '<div style="display:none">x',
    "invisible": "a\u200b",
    "streets": "street ",
    "addresses": "http://",
    "at": "a@",
    "colours": '<p style="color:#fff;background:',
    "style": "<style>a:",
    "scripts": "<script>",
    "pictures": "<img src=x>",
    "leave": "cancelar ",
    "zeros": "opacity:0",
    "letters": "a",
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_hostile_mail_costs_no_more_than_its_limits(piece: str) -> None:
    """C2: by what is read, which is bounded; a pattern that were quadratic would take minutes."""
    large = piece * (5_000_000 // len(piece))
    mail = Mail(
        authors=(Person(name=large, local_part="a", domain="b.example"),),
        subject=large,
        preheader=large,
        html=large,
        text=large,
        amp=large,
        fields=(("List-Unsubscribe", large), ("Date", large)),
        files=(File(filename=large[:1000], content=b"PK" + large[:1000].encode()),),
        is_raw=True,
    )
    found = check(mail, MASS)
    assert len(found) < 60
    assert all(len(each.detail) < 600 for each in found)


def test_what_is_read_of_html_is_bounded() -> None:
    assert not read_html("<b>" * (MAX_DEPTH + 2)).is_whole
    assert not read_html("<br>" * (MAX_TAGS + 1)).is_whole
    assert not read_html("a" * (MAX_CHARACTERS + 1)).is_whole
    assert read_html("<br>" * MAX_TAGS).is_whole


TEXT = st.text(max_size=200) | st.lists(
    st.sampled_from(
        [
            *HOSTILE.values(),
            "</a>",
            "</div>",
            ">",
            '"',
            "'",
            "-->",
            "//",
            "é",
            "\U0001f389",
            "\ud800",
        ]
    ),
    max_size=30,
).map("".join)
MAYBE = st.none() | TEXT


@given(
    st.builds(
        Mail,
        authors=st.lists(
            st.builds(Person, name=TEXT, local_part=TEXT, domain=TEXT), max_size=2
        ).map(tuple),
        subject=TEXT,
        preheader=TEXT,
        text=MAYBE,
        html=MAYBE,
        amp=MAYBE,
        files=st.lists(
            st.builds(File, filename=TEXT, content_type=TEXT, content=st.binary(max_size=50)),
            max_size=2,
        ).map(tuple),
        fields=st.lists(
            st.tuples(st.sampled_from(["List-Unsubscribe", "Date", "X"]), TEXT), max_size=3
        ).map(tuple),
        is_raw=st.booleans(),
    ),
    st.booleans(),
)
def test_whatever_a_mail_is_it_is_looked_at(mail: Mail, is_bulk: bool) -> None:
    found = check(mail, Facts(is_bulk=is_bulk, now_s=0))
    assert all(each.code in RULES and each.message and each.field for each in found)
    once = check(mail, Facts(is_bulk=is_bulk, now_s=0), frozenset(each.code for each in found))
    assert once == found


def test_a_good_mail_is_good() -> None:
    assert spam_score(check(GOOD, PLAIN)).points == 0
