"""Mirrors angarium/feedback/reference.py."""

import hmac
import random
import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.feedback.reference import (
    DAY_MS,
    LONG_CHARACTERS,
    SHORT_CHARACTERS,
    Expired,
    Forged,
    Mac,
    NotOurs,
    Purpose,
    ReferenceKeys,
    Subject,
    UnknownKey,
    Valid,
    lane_of,
)
from angarium.queue.model import MessageId, UnixMs

NOW = UnixMs(1_800_000_000_000)
FIRST, SECOND = bytes(range(32)), bytes(range(1, 33))
KEYS = ReferenceKeys({1: FIRST}, days=30)
SUBJECT = Subject(
    message_id=MessageId(bytes(range(16))),
    index=3,
    address="Bob+news@Example.net",
    tenant="acme",
    stream="bulk",
    campaign="june",
    sender_domain="example.com",
)


def short(subject: Subject = SUBJECT, purpose: Purpose = Purpose.REPORT) -> str:
    return KEYS.local_part(subject, NOW, purpose)


def test_rk1_the_short_form_fits_a_local_part_and_says_whom_it_is_for() -> None:
    text = short()
    assert len(text) == SHORT_CHARACTERS <= 64
    assert set(text) <= set(string.ascii_lowercase + "234567")
    found = KEYS.verify(text, NOW)
    assert isinstance(found, Valid)
    reference = found.reference
    assert (reference.message_id, reference.index) == (SUBJECT.message_id, 3)
    assert reference.purpose is Purpose.REPORT
    assert reference.lane == lane_of("acme", "bulk") != lane_of("acme", "default")
    assert reference.address == ""


def test_the_short_form_is_read_without_regard_to_case() -> None:
    assert KEYS.verify(short().upper(), NOW) == KEYS.verify(short(), NOW)


def test_the_long_form_carries_everything_and_shows_nothing() -> None:
    text = KEYS.token(SUBJECT, NOW)
    assert "bob" not in text.lower()
    found = KEYS.verify(text, NOW)
    assert isinstance(found, Valid)
    reference = found.reference
    expected = msgspec.structs.asdict(SUBJECT)
    del expected["topic"], expected["language"]  # of who leaves, not of a reference
    assert {name: getattr(reference, name) for name in expected} == expected


def test_a_long_form_that_was_folded_is_read() -> None:
    text = KEYS.token(SUBJECT, NOW)
    assert isinstance(KEYS.verify(f"{text[:60]}\r\n\t{text[60:]} ", NOW), Valid)


def test_a_long_form_never_makes_a_header_line_too_long() -> None:
    local = "a" * 64
    names = {"tenant": "t" * 128, "stream": "s" * 128, "sender_domain": "d" * 250}
    subject = msgspec.structs.replace(
        SUBJECT, address=f"{local}@{'e' * 60}.example", campaign="ä" * 128, **names
    )
    text = KEYS.token(subject, NOW)
    assert len(text) <= LONG_CHARACTERS
    found = KEYS.verify(text, NOW)
    assert isinstance(found, Valid)
    assert (found.reference.campaign, found.reference.address) == ("", subject.address)
    assert found.reference.tenant == subject.tenant


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("bob+news@example.net", True),
        ("BOB+NEWS@EXAMPLE.NET", True),
        ("bob@example.net", False),
        ("", False),
        ("no address", False),
    ],
)
def test_the_recipient_is_known_by_its_address(address: str, fits: bool) -> None:
    for text in (short(), KEYS.token(SUBJECT, NOW)):
        found = KEYS.verify(text, NOW)
        assert isinstance(found, Valid)
        assert KEYS.fits(found.reference, address) is fits


def test_a_reference_to_a_whole_message_fits_no_address() -> None:
    subject = msgspec.structs.replace(SUBJECT, index=None, address="")
    for text in (short(subject), KEYS.token(subject, NOW)):
        found = KEYS.verify(text, NOW)
        assert isinstance(found, Valid)
        assert found.reference.index is None
        assert not KEYS.fits(found.reference, "bob+news@example.net")
        assert not KEYS.fits(found.reference, "")


def test_a_reference_is_believed_to_the_end_of_its_last_day() -> None:
    for text in (short(), KEYS.token(SUBJECT, NOW)):
        last = (NOW // DAY_MS + 31) * DAY_MS - 1
        assert isinstance(KEYS.verify(text, UnixMs(last)), Valid)
        assert isinstance(KEYS.verify(text, UnixMs(last + 1)), Expired)


def test_the_newest_key_mints_and_all_verify() -> None:
    both = ReferenceKeys({1: FIRST, 2: SECOND}, days=30)
    assert isinstance(both.verify(short(), NOW), Valid)
    assert isinstance(both.verify(KEYS.token(SUBJECT, NOW), NOW), Valid)
    for text in (both.local_part(SUBJECT, NOW), both.token(SUBJECT, NOW)):
        assert KEYS.verify(text, NOW) == UnknownKey(2)
    impostor = ReferenceKeys({1: SECOND}, days=30)
    for text in (impostor.local_part(SUBJECT, NOW), impostor.token(SUBJECT, NOW)):
        assert KEYS.verify(text, NOW) == Forged()


@pytest.mark.parametrize("mint", [KEYS.local_part, KEYS.token])
def test_rk1_no_changed_character_is_believed(mint: object) -> None:
    text: str = mint(SUBJECT, NOW)  # type: ignore[operator]
    randomness = random.Random(5)
    alphabet = string.ascii_lowercase + "234567"
    for at in range(4, len(text)):
        other = randomness.choice([each for each in alphabet if each != text[at].lower()])
        found = KEYS.verify(text[:at] + other + text[at + 1 :], NOW)
        assert isinstance(found, (Forged, UnknownKey, NotOurs)), at


def test_an_unsubscribe_is_of_another_purpose_than_a_report() -> None:
    found = KEYS.verify(short(purpose=Purpose.UNSUBSCRIBE), NOW)
    assert isinstance(found, Valid)
    assert found.reference.purpose is Purpose.UNSUBSCRIBE
    assert short(purpose=Purpose.UNSUBSCRIBE) != short()


@pytest.mark.parametrize("text", ["", "ar1.", "ar1.=", "postmaster", "a" * 64, "8" * 63, "ä" * 63])
def test_other_texts_are_not_ours(text: str) -> None:
    assert KEYS.verify(text, NOW) == NotOurs()


@given(st.text(max_size=80) | st.text(max_size=80).map(lambda each: "ar1." + each))
def test_no_text_is_believed_and_none_raises(text: str) -> None:
    assert not isinstance(KEYS.verify(text, NOW), (Valid, Expired))


def test_rk2_what_somebody_made_up_is_compared_in_constant_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr("angarium.feedback.reference.hmac.compare_digest", compare)
    found = KEYS.verify(short(), NOW)
    assert isinstance(found, Valid)
    assert len(compared) == 1
    assert KEYS.fits(found.reference, SUBJECT.address)
    assert [len(each) for each, _ in compared] == [10, 4]


@given(st.binary(max_size=64), st.binary(max_size=200))
def test_the_mac_is_hmac_sha256(key: bytes, octets: bytes) -> None:
    assert Mac(key).of(octets) == hmac.digest(key, octets, "sha256")


@pytest.mark.parametrize("number", [0, 128])
def test_a_key_has_a_number_that_a_reference_has_room_for(number: int) -> None:
    with pytest.raises(ValueError, match="1 to 127"):
        ReferenceKeys({number: FIRST}, days=30)
