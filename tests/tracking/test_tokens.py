"""Mirrors angarium/tracking/tokens.py: TK1, TK2, TK3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.queue.model import MessageId, UnixMs
from angarium.tracking.tokens import (
    WHO_CHARACTERS,
    Leaver,
    Link,
    Refused,
    TrackingKeys,
    Who,
    tenant_tag,
)

KEYS = TrackingKeys({1: bytes(32), 2: b"k" * 32}, days=30)
NOW = UnixMs(1_800_000_000_000)
DAY_MS = 86_400_000
ID = MessageId(bytes(range(16)))
OTHER = MessageId(bytes(16))
TARGET = "https://shop.example/a?b=c&d=ü#e"


def leaver(**changes: object) -> Leaver:
    fields = {
        "message_id": ID,
        "index": 3,
        "day": KEYS.last_day(NOW),
        "tenant": "acme",
        "stream": "bulk",
        "address": "ann@example.net",
    }
    return Leaver(**(fields | changes))  # type: ignore[arg-type]


def test_a_token_says_whose_copy_it_was_and_when_it_left() -> None:
    token = KEYS.who(ID, 3, "acme", NOW)
    assert len(token) == WHO_CHARACTERS
    expected = Who(message_id=ID, index=3, sent_s=1_800_000_000, tenant_tag=tenant_tag("acme"))
    assert KEYS.read_who(token, NOW) == expected
    of_nobody = KEYS.read_who(KEYS.who(ID, None, "acme", NOW), NOW)
    assert isinstance(of_nobody, Who)
    assert of_nobody.index is None


def test_no_address_is_in_what_others_can_read() -> None:
    assert "ann" not in KEYS.leave(leaver())
    assert len(KEYS.leave(leaver())) < 200


def test_a_link_leads_where_its_author_had_it_lead() -> None:
    """TK2"""
    who = KEYS.who(ID, 3, "acme", NOW)
    found = KEYS.read_link(who, KEYS.link(ID, "acme", 7, TARGET), NOW)
    assert isinstance(found, Link)
    assert (found.number, found.target, found.who.index) == (7, TARGET, 3)


def test_a_link_of_another_message_or_tenant_is_forged() -> None:
    """TK2"""
    who = KEYS.who(ID, 3, "acme", NOW)
    assert KEYS.read_link(who, KEYS.link(OTHER, "acme", 7, TARGET), NOW) == Refused("forged")
    assert KEYS.read_link(who, KEYS.link(ID, "other", 7, TARGET), NOW) == Refused("forged")


def test_each_changed_character_makes_a_forgery_of_it() -> None:
    """TK1"""
    who, link, leave = KEYS.who(ID, 3, "acme", NOW), KEYS.link(ID, "acme", 7, TARGET), None
    leave = KEYS.leave(leaver())
    for at in range(len(who)):
        assert isinstance(KEYS.read_who(_changed(who, at), NOW), Refused)
    for at in range(len(link)):
        assert isinstance(KEYS.read_link(who, _changed(link, at), NOW), Refused)
    for at in range(len(leave)):
        assert isinstance(KEYS.read_leave(_changed(leave, at), NOW), Refused)


def _changed(token: str, at: int) -> str:
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]


def test_one_kind_of_token_is_no_other() -> None:
    """TK1"""
    who, link, leave = KEYS.who(ID, 3, "acme", NOW), KEYS.link(ID, "acme", 7, TARGET), None
    leave = KEYS.leave(leaver())
    assert isinstance(KEYS.read_leave(who, NOW), Refused)
    assert isinstance(KEYS.read_leave(link, NOW), Refused)
    assert isinstance(KEYS.read_link(who, leave, NOW), Refused)
    assert isinstance(KEYS.read_link(who, who, NOW), Refused)


def test_tokens_end_when_their_days_are_over() -> None:
    who, leave = KEYS.who(ID, 3, "acme", NOW), KEYS.leave(leaver())
    last = UnixMs(NOW + 30 * DAY_MS)
    assert isinstance(KEYS.read_who(who, last), Who)
    assert isinstance(KEYS.read_leave(leave, last), Leaver)
    late = UnixMs(last + DAY_MS)
    assert KEYS.read_who(who, late) == Refused("expired")
    assert KEYS.read_leave(leave, late) == Refused("expired")


def test_the_newest_key_mints_and_all_verify() -> None:
    old = TrackingKeys({1: bytes(32)}, days=30)
    assert isinstance(KEYS.read_who(old.who(ID, 1, "acme", NOW), NOW), Who)
    assert old.read_who(KEYS.who(ID, 1, "acme", NOW), NOW) == Refused("forged")
    assert isinstance(KEYS.read_leave(old.leave(leaver()), NOW), Leaver)


def test_a_leaver_comes_back_as_it_was() -> None:
    given_ = leaver(topic="offers", language="de", campaign="c", sender_domain="example.com")
    assert KEYS.read_leave(KEYS.leave(given_), NOW) == given_


@pytest.mark.parametrize("target", ["javascript:alert(1)", "ftp://a", "//a", "", "mailto:a@b"])
def test_only_the_web_is_led_to(target: str) -> None:
    """P2"""
    with pytest.raises(ValueError, match="no address of the web"):
        KEYS.link(ID, "acme", 0, target)


def test_a_target_has_a_length() -> None:
    with pytest.raises(ValueError, match="no address of the web"):
        KEYS.link(ID, "acme", 0, "https://a.example/" + "x" * 2000)


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_comes_is_refused_and_nothing_is_raised(one: str, other: str) -> None:
    assert isinstance(KEYS.read_who(one, NOW), Refused)
    assert isinstance(KEYS.read_link(one, other, NOW), Refused)
    assert isinstance(KEYS.read_link(KEYS.who(ID, 1, "a", NOW), other, NOW), Refused)
    assert isinstance(KEYS.read_leave(one, NOW), Refused)
