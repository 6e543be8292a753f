"""Mirrors angarium/smtp/server/order.py: every verb in every situation of a session."""

from typing import Any, Literal

import msgspec
import pytest

from angarium.config.schema import ListenerLimits
from angarium.smtp.refusal import Refusal, render
from angarium.smtp.server.command import Verb
from angarium.smtp.server.data import OctetBudget
from angarium.smtp.server.event import (
    AuthRequested,
    CloseRequested,
    LoggedIn,
    MessageReceived,
    StartTlsRequested,
)
from angarium.smtp.server.order import NEEDS, Need
from angarium.smtp.server.session import ServerSession
from angarium.smtp.server.settings import ClientFacts, ServerReplies, ServerSettings, TlsFacts
from angarium.smtp.server.state import SessionState

TLS = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384")
MAIL, RCPT, LOGIN = b"MAIL FROM:<a@x>", b"RCPT TO:<b@x>", b"AUTH PLAIN AGEAYg=="


def find_unmet(verb: Verb, state: SessionState) -> Need | None:
    return next((need for need in NEEDS[verb] if not need.is_met(state)), None)


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """How a session is set up, and what has been said."""

    said: tuple[bytes, ...] = ()
    auth: Literal["required", "trusted"] = "trusted"
    trusted: bool = True
    clear_auth: bool = False
    starttls: bool = False
    tls: TlsFacts | None = None
    is_spent: bool = False  # no room for message data
    messages: int = 1000


LOG_IN: dict[str, Any] = {"auth": "required", "trusted": False}
SITUATIONS = {
    "nothing-said": Situation(),
    "HELO": Situation(said=(b"HELO c",)),
    "EHLO": Situation(said=(b"EHLO c",)),
    "MAIL": Situation(said=(b"EHLO c", MAIL)),
    "bad-RCPT": Situation(said=(b"EHLO c", MAIL, b"RCPT TO:<bad")),
    "RCPT": Situation(said=(b"EHLO c", MAIL, RCPT)),
    "bad+good-RCPT": Situation(said=(b"EHLO c", MAIL, b"RCPT TO:<bad", RCPT)),
    "BDAT": Situation(said=(b"EHLO c", MAIL, RCPT, b"BDAT 3\r\nx")),
    "BDAT-LAST": Situation(said=(b"EHLO c", MAIL, RCPT, b"BDAT 3 LAST\r\nx")),
    "no-more-mail": Situation(said=(b"EHLO c", MAIL, RCPT, b"BDAT 3 LAST\r\nx"), messages=1),
    "stranger-MAIL": Situation(said=(b"EHLO c", MAIL), trusted=False),
    "stranger-RCPT": Situation(said=(b"EHLO c", MAIL, RCPT), trusted=False),
    "clear": Situation(said=(b"EHLO c",), **LOG_IN),
    "clear-HELO": Situation(said=(b"HELO c",), **LOG_IN),
    "clear-full": Situation(said=(b"EHLO c",), is_spent=True, **LOG_IN),
    "clear-offer": Situation(said=(b"EHLO c",), starttls=True, **LOG_IN),
    "clear-auth": Situation(said=(b"EHLO c",), starttls=True, clear_auth=True, **LOG_IN),
    "STARTTLS": Situation(said=(b"EHLO c", b"STARTTLS"), starttls=True, **LOG_IN),
    "TLS": Situation(said=(b"EHLO c",), tls=TLS, **LOG_IN),
    "TLS-HELO": Situation(said=(b"HELO c",), tls=TLS, **LOG_IN),
    "logged-in": Situation(said=(b"EHLO c", LOGIN), tls=TLS, **LOG_IN),
    "logged-in-MAIL": Situation(said=(b"EHLO c", LOGIN, MAIL), tls=TLS, **LOG_IN),
    "trusted-MAIL": Situation(said=(b"EHLO c", MAIL), auth="required", tls=TLS),
    "full": Situation(said=(b"EHLO c",), is_spent=True),
    "full-MAIL": Situation(said=(b"EHLO c", MAIL), is_spent=True),
    "full-RCPT": Situation(said=(b"EHLO c", MAIL, RCPT), is_spent=True),
    "full-BDAT": Situation(said=(b"EHLO c", MAIL, RCPT, b"BDAT 3\r\nx"), is_spent=True),
}
LINES = {
    Verb.EHLO: b"EHLO d",
    Verb.HELO: b"HELO d",
    Verb.MAIL: b"MAIL FROM:<c@x>",
    Verb.RCPT: b"RCPT TO:<d@x>",
    Verb.DATA: b"DATA",
    Verb.BDAT: b"BDAT 2\r\n",
    Verb.RSET: b"RSET",
    Verb.NOOP: b"NOOP",
    Verb.QUIT: b"QUIT",
    Verb.VRFY: b"VRFY x",
    Verb.EXPN: b"EXPN x",
    Verb.HELP: b"HELP",
    Verb.STARTTLS: b"STARTTLS",
    Verb.AUTH: b"AUTH LOGIN",
}
# The reply to each verb there. Those that look alike everywhere come last.
REPLIES = """
               MAIL RCPT DATA BDAT STARTTLS AUTH EHLO HELO RSET NOOP QUIT VRFY EXPN HELP
nothing-said    503  503  503  503      502  502  250  250  250  250  221  252  502  214
HELO            250  503  503  503      502  502  250  250  250  250  221  252  502  214
EHLO            250  503  503  503      502  502  250  250  250  250  221  252  502  214
MAIL            503  250  503  503      502  502  250  250  250  250  221  252  502  214
bad-RCPT        503  250  554  554      502  502  250  250  250  250  221  252  502  214
RCPT            503  250  354  250      502  502  250  250  250  250  221  252  502  214
bad+good-RCPT   503  250  354  250      502  502  250  250  250  250  221  252  502  214
BDAT            503  503  503  250      502  502  250  250  250  250  221  252  502  214
BDAT-LAST       250  503  503  503      502  502  250  250  250  250  221  252  502  214
no-more-mail    421  503  503  503      502  502  250  250  250  250  221  252  502  214
stranger-MAIL   503  550  503  503      502  502  250  250  250  250  221  252  502  214
stranger-RCPT   503  550  554  554      502  502  250  250  250  250  221  252  502  214
clear           530  503  503  503      502  538  250  250  250  250  221  252  502  214
clear-HELO      530  503  503  503      502  503  250  250  250  250  221  252  502  214
clear-full      530  503  503  503      502  538  250  250  250  250  221  252  502  214
clear-offer     530  503  503  503      220  538  250  250  250  250  221  252  502  214
clear-auth      530  503  503  503      220  334  250  250  250  250  221  252  502  214
STARTTLS        503  503  503  503      503  503  250  250  250  250  221  252  502  214
TLS             530  503  503  503      503  334  250  250  250  250  221  252  502  214
TLS-HELO        530  503  503  503      503  503  250  250  250  250  221  252  502  214
logged-in       250  503  503  503      503  503  250  250  250  250  221  252  502  214
logged-in-MAIL  503  250  503  503      503  503  250  250  250  250  221  252  502  214
trusted-MAIL    503  250  503  503      503  503  250  250  250  250  221  252  502  214
full            452  503  503  503      502  502  250  250  250  250  221  252  502  214
full-MAIL       503  250  503  503      502  502  250  250  250  250  221  252  502  214
full-RCPT       503  250  452  452      502  502  250  250  250  250  221  252  502  214
full-BDAT       503  503  503  452      502  502  250  250  250  250  221  252  502  214
"""


class Player:
    def __init__(self, situation: Situation) -> None:
        self.budget = OctetBudget(1000)
        settings = ServerSettings(
            hostname="mx.example.com",
            auth=situation.auth,
            starttls=situation.starttls,
            limits=ListenerLimits(messages_per_connection=situation.messages),
        )
        client = ClientFacts(
            address="192.0.2.1", trusted=situation.trusted, clear_auth=situation.clear_auth
        )
        self.session = ServerSession(
            ServerReplies(settings), client, self.budget, tls=situation.tls
        )
        self.session.greet()
        self.session.outgoing()
        for line in situation.said:
            self.say(line)
        if situation.is_spent:
            self.budget.limit = self.budget.used

    @property
    def state(self) -> SessionState:
        return self.session._state

    def say(self, line: bytes) -> bytes:
        """Return the replies, those included to what an event's answer lets go on."""
        self.session.receive(line + b"\r\n")
        said = b""
        while (event := self.session.next_event()) is not None:
            said += self.session.outgoing()
            match event:
                case MessageReceived():
                    self.session.accept_message("Ok")
                case AuthRequested():
                    self.session.auth_succeeded(
                        LoggedIn(user="a", tenant="t", senders=("*",), allows=lambda _: True)
                    )
                case StartTlsRequested():
                    self.session.tls_started(TLS)
                case CloseRequested():
                    break
        return said + self.session.outgoing()


def table() -> list[tuple[str, Verb, str]]:
    verbs, *rows = (line.split() for line in REPLIES.strip().split("\n"))
    return [
        (situation, Verb[verb], code)
        for situation, *codes in rows
        for verb, code in zip(verbs, codes, strict=True)
    ]


@pytest.mark.parametrize(("situation", "verb", "code"), table())
def test_each_verb_gets_the_reply_of_its_situation(situation: str, verb: Verb, code: str) -> None:
    assert Player(SITUATIONS[situation]).say(LINES[verb])[:3].decode() == code


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("verb", Verb)
def test_the_first_need_that_is_not_met_is_the_reply(situation: str, verb: Verb) -> None:
    player = Player(SITUATIONS[situation])
    unmet = find_unmet(verb, player.state)
    reply = player.say(LINES[verb])
    if unmet is not None:
        assert reply == render(unmet.refusal)
        assert player.session.is_closed is (unmet.refusal.code == 421)
        is_dropped = unmet.drops_transaction or verb in (Verb.MAIL, Verb.DATA, Verb.BDAT)
        assert not (is_dropped and player.state.transaction is not None)  # SS2
    else:
        assert reply[:3] not in (b"503", b"530", b"538")  # codes of order only


def test_each_need_is_unmet_somewhere_above() -> None:
    """Else a row is missing there."""
    unmet: list[Refusal] = []
    for situation in SITUATIONS.values():
        for verb in NEEDS:
            found = find_unmet(verb, Player(situation).state)
            unmet += [found.refusal] if found is not None else []
    assert {need.refusal for needs in NEEDS.values() for need in needs} == set(unmet)


def test_every_verb_and_every_situation_is_in_the_table() -> None:
    assert set(NEEDS) == set(Verb) == set(LINES)
    assert [row for row, verb, _ in table() if verb is Verb.MAIL] == list(SITUATIONS)
