"""Mirrors angarium/queue/reply_pattern.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.queue.reply_pattern import ReplyPattern, full_reply, reply_kind
from tests.queue.samples import attempt


@pytest.mark.parametrize(
    ("pattern", "reply", "matches"),
    [
        ("greylist", "451 4.7.1 Greylisted, try again", True),
        ("451*again", "451 4.7.1 Greylisted, try again", True),
        ("again*451", "451 4.7.1 Greylisted, try again", False),
        ("aa*aa", "aaa", False),  # each part has its own place
        ("*", "", True),
        ("a", "", False),
        ("4.7.1", "451 4x7x1 later", False),  # a dot is a dot
    ],
)
def test_a_pattern_is_found_anywhere(pattern: str, reply: str, matches: bool) -> None:
    assert ReplyPattern(pattern).matches(reply) == matches


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("451 4.7.1 try later", "451 4.7.1 try later"),
        (
            "550 5.1.1 <bob@example.net> unknown q7si1234wmi.42",
            "550 5.1.1 * unknown *",
        ),
        ("421-4.7.0 [192.0.2.1] over https://example.net/x", "421-4.7.0 * over *"),
        ("connection timed out", "connection timed out"),
        ("250", "250"),
    ],
)
def test_replies_of_a_kind_have_one_name(reply: str, kind: str) -> None:
    assert reply_kind(reply) == kind


@given(st.text())
def test_the_name_of_a_kind_is_a_pattern_of_it(reply: str) -> None:
    assert ReplyPattern(reply_kind(reply)).matches(reply)


def test_the_code_stands_once_before_the_text() -> None:
    assert full_reply(attempt(451)) == "451 as it went"
    assert full_reply(attempt(0)) == "as it went"
