"""Mirrors angarium/tracking/slots.py."""

import re
from binascii import a2b_qp

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from angarium.tracking.slots import LEAVE_SLOT, TRACK_SLOT, encoded, filled, plain, with_tokens
from angarium.tracking.tokens import WHO_CHARACTERS
from tests.tracking.mail import ALL, BASE, LEAVE, WHO, leaves, one_part, prepared

PIECES = st.lists(
    st.sampled_from(
        [
            *(TRACK_SLOT, LEAVE_SLOT, "a", "=", ".", "--", " ", "\t", "\r\n", "\n", "é", "From ", "x" * 75, "x" * 76),
            *("y" * 73 + "=", "y" * 74 + "=", "angarium", TRACK_SLOT[:30]),
        ]
    ),
    max_size=12,
).map("".join)  # fmt: skip


def test_a_slot_is_as_long_as_what_fills_it_and_of_letters() -> None:
    for each in (TRACK_SLOT, LEAVE_SLOT):
        assert re.fullmatch("angarium[A-Za-z0-9]+", each)
        assert len(each) == WHO_CHARACTERS == len(WHO)
    assert TRACK_SLOT != LEAVE_SLOT


@given(PIECES)
@example("x" * 76 + TRACK_SLOT)
@example("x" * 74 + "=" + TRACK_SLOT)
@example(TRACK_SLOT * 2 + LEAVE_SLOT + "\n" + TRACK_SLOT)
def test_slots_are_filled_as_the_text_has_them(text: str) -> None:
    body = encoded(text.encode())
    assert a2b_qp(body) == text.encode()
    header = f"Subject: {TRACK_SLOT}\r\n\r\n".encode()
    for who, leave in ((WHO, LEAVE), (WHO, "-" * 200), (WHO, "x")):
        copy = filled(header + body, len(header), who=who, leave=leave)
        assert copy.startswith(header)
        expected = text.replace(TRACK_SLOT, who).replace(LEAVE_SLOT, leave)
        assert a2b_qp(copy[len(header) :]) == expected.encode()
        for line in copy[len(header) :].split(b"\r\n"):
            assert len(line) <= 76
            assert not line.startswith((b".", b"--", b"From "))


@given(st.lists(st.text("aB9-_", min_size=1, max_size=300), max_size=4))
@example(["-" * 100, "a" * 71 + "--", "a" * 72 + "-b", "a" * 300])
def test_tokens_come_back_in_lines_that_are_no_boundaries(tokens: list[str]) -> None:
    body = with_tokens([b"x"] * (len(tokens) + 1), tokens)
    assert a2b_qp(body) == "".join(["x", *(f"{TRACK_SLOT}/{each}x" for each in tokens)]).encode()
    for line in body.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith(b"-")


def test_a_message_without_slots_comes_back_as_it_is() -> None:
    content, header = one_part(b"<p>x</p>\r\n")
    assert filled(content, header, who=WHO, leave=LEAVE) == content
    assert plain(content, header) == content


@pytest.mark.parametrize("encoding", ["8bit", "base64"])
def test_what_nobody_prepared_is_not_filled(encoding: str) -> None:
    content, header = one_part(f"x {TRACK_SLOT} {LEAVE_SLOT}\r\n".encode(), encoding=encoding)
    assert filled(content, header, who=WHO, leave=LEAVE) == content
    assert plain(content, header) == content


TEXT = "Read https://x.example/?a=1&b=2, or leave: %unsubscribe_url%\r\n"
HTML = (
    '<a href="https://x.example/?a=1&amp;b=&quot;é">x</a>\r\n<!--[if mso]><v:rect href="https://y.example/"><![endif]-->'
    '<a href="{{unsubscribe_url}}">Leave</a></body>'
)


def test_who_is_not_tracked_gets_the_links_as_they_were_and_nothing_to_fetch() -> None:
    parts = (
        f"--b\r\n\r\n{TEXT}--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{HTML}\r\n--b--\r\n"
    )
    content, header = one_part(parts.encode(), "multipart/alternative; boundary=b")
    untracked = plain(prepared(content, header, ALL).content, header)
    assert TRACK_SLOT.encode() not in untracked
    (_, text), (_, html) = leaves(untracked)
    assert text.decode() == TEXT.replace("%unsubscribe_url%", f"{BASE}/u/{LEAVE_SLOT}").rstrip()
    expected = HTML.replace("{{unsubscribe_url}}", f"{BASE}/u/{LEAVE_SLOT}")
    assert html.decode() == expected.replace("&quot;é", "%22%C3%A9")
    copy = filled(untracked, header, who=WHO, leave=LEAVE)
    assert leaves(copy)[0][1].decode().endswith(f"leave: {BASE}/u/{LEAVE}")


def test_a_part_alone_is_made_plain_too() -> None:
    content, header = one_part(
        b'<a href="https://x.example/">x</a>\r\n', encoding="base64\r\nX-A: b"
    )
    content, header = one_part(b'<a href="https://x.example/">x</a>\r\n')
    result = prepared(content, header, ALL)
    untracked = plain(result.content, result.header_octets)
    assert leaves(untracked) == leaves(content)
    assert untracked[: result.header_octets] == result.content[: result.header_octets]
