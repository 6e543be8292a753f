"""Mirrors angarium/smtp/tap.py."""

import pytest

from angarium.smtp.tap import MAX_OPENING_OCTETS, MAX_PART_OCTETS, Opening, RedactingTap


class Shown:
    def __init__(self, *, we_are_client: bool = True) -> None:
        self.lines: list[str] = []
        self.tap = RedactingTap(self._show, we_are_client=we_are_client)

    def _show(self, direction: str, text: str) -> None:
        self.lines.append(f"{direction} {text}")


def test_commands_and_replies_are_shown_line_by_line_however_they_are_cut() -> None:
    shown = Shown()
    shown.tap.client(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n")
    for octet in b"250-one\r\n250 two\r\n":
        shown.tap.server(bytes([octet]))
    assert shown.lines == [
        "> MAIL FROM:<a@b.example>",
        "> RCPT TO:<c@d.example>",
        "< 250-one",
        "< 250 two",
    ]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"AUTH PLAIN AGFubgBzZWNyZXQ=", "AUTH PLAIN <redacted>"),
        (b"auth plain  AGFubgBzZWNyZXQ=", "AUTH plain <redacted>"),
        (b"AUTH LOGIN", "AUTH LOGIN"),
        (b"AUTH AGFubgBzZWNyZXQ=", "AUTH <redacted>"),
        (b"AUTH", "AUTH"),
        (b"AUTH\tPLAIN AGFubgBzZWNyZXQ=", "AUTH PLAIN <redacted>"),
        (b" AUTH PLAIN AGFubgBzZWNyZXQ=", "<28 octets, no command>"),
        (b"AUTH=PLAIN AGFubgBzZWNyZXQ=", "<27 octets, no command>"),
        (b"c2VjcmV0", "<8 octets, no command>"),
        (b"NOOP \x1b[2J\x07", r"NOOP \x1b[2J\x07"),
        (b"NOOP \xff\xe2\x80\xae", r"NOOP \xff\u202e"),
    ],
)
def test_secrets_and_control_characters_are_not_shown(line: bytes, text: str) -> None:
    shown = Shown()
    shown.tap.client(line)
    assert shown.lines == [f"> {text}"]


def test_everything_between_auth_and_its_reply_is_redacted() -> None:
    shown = Shown(we_are_client=False)
    shown.tap.client(b"AUTH LOGIN")
    shown.tap.server(b"334 VXNlcm5hbWU6\r\n")
    shown.tap.secret()
    shown.tap.server(b"334 UGFzc3dvcmQ6\r\n")
    shown.tap.client(b"QUIT it")  # a password that looks like a command
    shown.tap.server(b"235 2.7.0 ok\r\n")
    shown.tap.client(b"QUIT")
    assert shown.lines == [
        "< AUTH LOGIN",
        "> 334 <redacted>",
        "< <redacted>",
        "> 334 <redacted>",
        "< <redacted>",
        "> 235 2.7.0 ok",
        "< QUIT",
    ]


def test_content_is_shown_by_its_size_once_it_is_over() -> None:
    shown = Shown()
    shown.tap.content(4000)
    shown.tap.content(96)
    shown.tap.server(b"250 ok\r\n")
    assert shown.lines == ["> <4096 octets>", "< 250 ok"]


def test_a_reply_without_an_end_is_bounded() -> None:
    shown = Shown()
    for _ in range(10):
        shown.tap.server(b"2" * MAX_PART_OCTETS)
    assert 4 <= len(shown.lines) <= 10
    assert all(len(line) <= 1002 for line in shown.lines)


def test_an_opening_is_replayed_and_bounded() -> None:
    opening, shown = Opening("mx.example"), Shown()
    opening.server(b"220 hello\r\n")
    opening.client(b"EHLO us\r\n")
    opening.note("TLSv1.3")
    opening.replay(shown.tap)
    assert shown.lines == ["< 220 hello", "> EHLO us", "* TLSv1.3"]
    for _ in range(100):
        opening.server(b"250 " + b"x" * 100 + b"\r\n")
    longer = Shown()
    opening.replay(longer.tap)
    assert sum(map(len, longer.lines)) < 2 * MAX_OPENING_OCTETS
