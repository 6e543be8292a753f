"""Plays tests/smtp/server/dialogues/*.smtp against ServerSession.

A line is one of:
  C: text       the client sends text and CRLF; lines without a reply between them are sent at once
  c: text       the same without CRLF; both know the escapes of Python's string literals
  S: text       the server's next reply line; a final ... stands for anything
  E: accept TEXT | refuse CODE ENHANCED TEXT | login USER SENDERS | throttle TEXT | deny | tls
                the shell's answer to the event that the session now waits for
  X:            the session is closed, and nothing more has been said
  ! name=value  before all else: settings (auth, starttls, trusted, clear_auth, and the names of limits)
  # comment
"""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from angarium.config.schema import ListenerLimits
from angarium.smtp.refusal import Refusal
from angarium.smtp.server.data import OctetBudget
from angarium.smtp.server.event import (
    AuthRequested,
    CloseRequested,
    Event,
    LoggedIn,
    MessageReceived,
    StartTlsRequested,
)
from angarium.smtp.server.session import ServerSession
from angarium.smtp.server.settings import ClientFacts, ServerReplies, ServerSettings, TlsFacts

DIALOGUES = sorted((Path(__file__).parent / "dialogues").glob("*.smtp"))
FLAGS = {"yes": True, "no": False}


class Player:
    def __init__(self, settings: dict[str, str]) -> None:
        limits = {
            field.name: msgspec.convert(settings.pop(field.name), field.type, strict=False)
            for field in msgspec.structs.fields(ListenerLimits)
            if field.name in settings
        }
        self.budget = OctetBudget(limits.get("bytes_in_flight", 100_000_000))
        client = ClientFacts(
            address="192.0.2.1",
            trusted=FLAGS[settings.pop("trusted", "yes")],
            clear_auth=FLAGS[settings.pop("clear_auth", "no")],
        )
        server = ServerSettings(
            hostname="mx.example.com",
            listener="127.0.0.1:25",
            auth=msgspec.convert(
                settings.pop("auth", "trusted"), type=ServerSettings.__annotations__["auth"]
            ),
            starttls=FLAGS[settings.pop("starttls", "no")],
            limits=ListenerLimits(**limits),
        )
        assert not settings, f"unknown settings {settings}"
        self.session = ServerSession(ServerReplies(server), client, self.budget)
        self.session.greet()
        self.unsent = b""
        self.replies = b""
        self.event: Event | None = None

    def work(self) -> None:
        if self.unsent:
            self.session.receive(self.unsent)
            self.unsent = b""
        event = self.session.next_event()
        assert event is None or self.event is None
        self.event = self.event or event
        self.replies += self.session.outgoing()

    def client(self, text: str) -> None:
        self.unsent += text.encode("latin-1").decode("unicode_escape").encode("latin-1")

    def server(self, text: str) -> None:
        self.work()
        line, crlf, self.replies = self.replies.partition(b"\r\n")
        assert crlf, f"no reply, expected: {text}"
        found = line.decode()
        assert found.startswith(text[:-3]) if text.endswith("...") else found == text

    def answer(self, text: str) -> None:
        self.work()
        event, self.event = self.event, None
        verb, _, rest = text.partition(" ")
        match event, verb:
            case MessageReceived(), "accept":
                self.session.accept_message(rest)
            case MessageReceived(), "refuse":
                code, enhanced, reason = rest.split(" ", 2)
                self.session.refuse_message(Refusal(int(code), enhanced, reason))
            case AuthRequested(), "login":
                user, senders = rest.split(" ")
                assert event.user == user
                allowed = tuple(senders.split(","))
                self.session.auth_succeeded(
                    LoggedIn(user=user, tenant="t", senders=allowed, allows=allowed.__contains__)
                )
            case AuthRequested(), "deny":
                self.session.auth_failed(
                    Refusal(535, "5.7.8", "Authentication credentials invalid")
                )
            case AuthRequested(), "throttle":
                self.session.auth_failed(Refusal(454, "4.7.0", rest))
            case StartTlsRequested(), "tls":
                self.session.tls_started(
                    TlsFacts(version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384")
                )
            case _:
                pytest.fail(f"the session asked for {event}, not: {text}")

    def closed(self, text: str) -> None:
        self.work()
        assert isinstance(self.event, CloseRequested)
        assert self.replies == b""
        assert self.session.is_closed

    def play(self, line: str) -> None:
        kind, _, text = line.partition(": ") if ": " in line else line.partition(":")
        plays: dict[str, Callable[[str], None]] = {
            "C": lambda text: self.client(text + "\\r\\n"),
            "c": self.client,
            "S": self.server,
            "E": self.answer,
            "X": self.closed,
        }
        plays[kind](text)


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_dialogue(path: Path) -> None:
    settings: dict[str, str] = {}
    player: Player | None = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("!"):
            assert player is None, "settings come first"
            name, _, value = line[1:].strip().partition("=")
            settings[name] = value
            continue
        player = player or Player(settings)
        try:
            player.play(line)
        except AssertionError as error:
            raise AssertionError(f"{path.name}:{number}: {line}\n{error}") from error
    assert player is not None
    player.work()
    assert player.replies == b"", "replies that the dialogue does not have"
    player.session.close()
    assert player.budget.used == 0  # nothing is left behind


def test_there_are_dialogues() -> None:
    assert len(DIALOGUES) >= 20
