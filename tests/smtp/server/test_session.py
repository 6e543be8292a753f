"""Mirrors angarium/smtp/server/session.py: properties, and what a dialogue cannot show."""

from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angarium.config.schema import ListenerLimits
from angarium.smtp.envelope import Recipient
from angarium.smtp.received import ReceivedMessage
from angarium.smtp.refusal import Refusal
from angarium.smtp.repair import Repair
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

TLS = TlsFacts(version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384")


def make_session(
    *,
    auth: Literal["required", "trusted"] = "trusted",
    starttls: bool = False,
    tls: TlsFacts | None = None,
    budget: OctetBudget | None = None,
    may_receive: Callable[[Recipient], Refusal | None] = lambda _: None,
    **limits: int,
) -> ServerSession:
    settings = ServerSettings(
        hostname="mx.example.com",
        listener="127.0.0.1:25",
        auth=auth,
        starttls=starttls,
        limits=ListenerLimits(**limits),
    )
    client = ClientFacts(address="192.0.2.1", trusted=auth == "trusted")
    session = ServerSession(
        ServerReplies(settings),
        client,
        budget or OctetBudget(10_000_000),
        tls=tls,
        may_receive=may_receive,
    )
    session.greet()
    session.outgoing()
    return session


def say(session: ServerSession, octets: bytes) -> Event | None:
    session.receive(octets)
    return session.next_event()


def code_after(session: ServerSession, octets: bytes) -> bytes:
    assert say(session, octets) is None
    return session.outgoing()[:3]


def send(session: ServerSession, *lines: bytes) -> ReceivedMessage:
    for line in lines[:-1]:
        assert code_after(session, line + b"\r\n")[:1] in b"23"
    event = say(session, lines[-1])
    assert isinstance(event, MessageReceived)
    return event.message


def test_the_message_carries_what_the_trace_field_needs() -> None:
    session = make_session()
    message = send(
        session,
        b"EHLO client.example",
        b"MAIL FROM:<a@example.com> RET=HDRS ENVID=e1 BODY=8BITMIME",
        b"RCPT TO:<B@Example.ORG> NOTIFY=SUCCESS ORCPT=rfc822;b@example.org",
        b"DATA",
        b"Subject: \xc3\xbc\r\n.\r\n",
    )
    assert message.content == b"Subject: \xc3\xbc\r\n"
    assert message.client_address == "192.0.2.1"
    assert message.client_name == "client.example"
    assert message.listener == "127.0.0.1:25"
    assert message.user == message.tls_version == ""
    assert message.senders == ("*",)
    envelope = message.envelope
    assert (envelope.reverse_path, envelope.ret, envelope.envid) == ("a@example.com", "HDRS", "e1")
    assert envelope.body_8bit
    assert not envelope.smtputf8
    (recipient,) = envelope.recipients
    assert (recipient.forward_path, recipient.domain) == ("B@Example.ORG", "example.org")
    assert (recipient.notify, recipient.orcpt) == (1, "rfc822;b@example.org")


@pytest.mark.parametrize(
    ("greeting", "parameter", "tls", "login", "protocol"),
    [
        (b"HELO c", b"", None, False, "SMTP"),
        (b"EHLO c", b"", None, False, "ESMTP"),
        (b"EHLO c", b"", TLS, False, "ESMTPS"),
        (b"EHLO c", b"", TLS, True, "ESMTPSA"),
        (b"EHLO c", b" SMTPUTF8", None, False, "UTF8SMTP"),
        (b"EHLO c", b" SMTPUTF8", TLS, True, "UTF8SMTPSA"),
    ],
)
def test_the_protocol_is_named_by_rfc_3848_and_6531(
    greeting: bytes, parameter: bytes, tls: TlsFacts | None, login: bool, protocol: str
) -> None:
    session = make_session(auth="required" if login else "trusted", tls=tls)
    assert code_after(session, greeting + b"\r\n") == b"250"
    if login:
        assert isinstance(say(session, b"AUTH PLAIN AGEAYg==\r\n"), AuthRequested)
        session.auth_succeeded(
            LoggedIn(user="a", tenant="t1", senders=("*",), allows=lambda _: True)
        )
    message = send(
        session,
        b"MAIL FROM:<a@example.com>" + parameter,
        b"RCPT TO:<b@example.org>",
        b"DATA",
        b".\r\n",
    )
    assert message.protocol == protocol
    assert message.tenant == ("t1" if login else "default")
    assert message.tls_version == (tls.version if tls else "")
    assert message.envelope.smtputf8 is bool(parameter)


def test_the_password_is_handed_over_as_it_is() -> None:
    session = make_session(auth="required", tls=TLS)
    code_after(session, b"EHLO c\r\n")
    event = say(session, b"AUTH PLAIN AGEA/w==\r\n")
    assert event == AuthRequested(mechanism="PLAIN", user="a", password=b"\xff")


def test_what_was_said_before_the_banner_is_refused_s6() -> None:
    settings = ServerSettings(hostname="mx.example.com", auth="trusted")
    session = ServerSession(
        ServerReplies(settings), ClientFacts(address="192.0.2.1"), OctetBudget(1000)
    )
    session.receive(b"EHLO early.example\r\n")
    assert session.next_event() is None
    session.greet()
    assert isinstance(session.next_event(), CloseRequested)
    assert session.outgoing().startswith(b"554 5.5.0 ")


def test_nothing_is_looked_at_while_an_answer_is_awaited_ss1() -> None:
    session = make_session()
    code_after(session, b"HELO c\r\n")
    assert isinstance(
        say(session, b"MAIL FROM:<>\r\nRCPT TO:<b@c>\r\nBDAT 0 LAST\r\nQUIT\r\n"), MessageReceived
    )
    session.outgoing()
    assert say(session, b"NOOP\r\n") is None
    assert session.outgoing() == b""
    assert session.buffered_octets == 12
    session.accept_message("Ok")
    assert isinstance(session.next_event(), CloseRequested)
    assert session.outgoing() == b"250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n"


def test_nothing_is_answered_after_the_end_ss3() -> None:
    session = make_session()
    assert isinstance(say(session, b"QUIT\r\n"), CloseRequested)
    session.outgoing()
    assert say(session, b"NOOP\r\n" * 100) is None
    session.accept_message("late")
    session.refuse_message(Refusal(451, "4.3.0", "late"))
    session.auth_failed(Refusal(535, "5.7.8", "late"))
    session.abort(Refusal(421, "4.4.2", "late"))
    assert session.next_event() is None
    assert session.outgoing() == b""
    assert session.buffered_octets == 0


@pytest.mark.parametrize("cut", range(0, 90, 3))
def test_a_session_that_ends_anywhere_gives_its_memory_back(cut: int) -> None:
    budget = OctetBudget(1000)
    session = make_session(budget=budget)
    code_after(session, b"HELO c\r\n")
    wire = (
        b"MAIL FROM:<>\r\nRCPT TO:<b@c>\r\nBDAT 20\r\n"
        + b"x" * 20
        + b"BDAT 20 LAST\r\n"
        + b"y" * 20
    )
    say(session, wire[:cut])
    session.close()
    assert budget.used == 0


def test_leaving_waits_for_the_end_of_a_transaction() -> None:
    session = make_session()
    code_after(session, b"HELO c\r\n")
    code_after(session, b"MAIL FROM:<>\r\n")
    session.leave(Refusal(421, "4.3.2", "Service shutting down"))
    assert session.next_event() is None
    assert isinstance(say(session, b"RCPT TO:<b@c>\r\nBDAT 0 LAST\r\n"), MessageReceived)
    session.outgoing()
    session.accept_message("Ok")
    assert isinstance(session.next_event(), CloseRequested)
    assert session.outgoing().splitlines() == [
        b"250 2.0.0 Ok",
        b"421 4.3.2 Service shutting down",
    ]


def test_who_may_not_receive_is_refused_and_the_others_stay() -> None:
    asked: list[str] = []

    def may_receive(recipient: Recipient) -> Refusal | None:
        asked.append(recipient.forward_path)
        if recipient.forward_path.startswith("no"):
            return Refusal(550, "5.1.1", "No such recipient")
        return None

    session = make_session(may_receive=may_receive, errors_per_connection=3)
    code_after(session, b"EHLO c\r\n")
    recipients = [b"no1@x", b"b@x", b"no2@x", b"<bad", b"no3@x", b"no4@x", b"c@x", b"no5@x"]
    wire = b"".join(b"RCPT TO:<%b>\r\n" % each for each in recipients)
    event = say(session, b"MAIL FROM:<a@x>\r\n" + wire + b"BDAT 0 LAST\r\n")
    codes = [line[:9] for line in session.outgoing().split(b"\r\n")[:-1]]
    refused, taken = b"550 5.1.1", b"250 2.1.5"
    assert codes[1:] == [*(refused, taken, refused, b"501 5.5.2", refused, refused, taken, refused)]
    assert isinstance(event, MessageReceived)
    assert [each.forward_path for each in event.message.envelope.recipients] == ["b@x", "c@x"]
    assert asked == ["no1@x", "b@x", "no2@x", "no3@x", "no4@x", "c@x", "no5@x"]


@pytest.mark.parametrize("data", [b"DATA\r\n", b"BDAT 6 LAST\r\nQUIT\r\n"])
def test_a_message_all_of_whose_recipients_were_refused_is_not_taken(data: bytes) -> None:
    session = make_session(may_receive=lambda _: Refusal(550, "5.1.1", "No such recipient"))
    code_after(session, b"EHLO c\r\n")
    code_after(session, b"MAIL FROM:<a@x>\r\n")
    assert code_after(session, b"RCPT TO:<b@x>\r\n") == b"550"
    assert code_after(session, data) == b"554"
    assert code_after(session, b"RCPT TO:<b@x>\r\n") == b"503"


def test_each_refusal_is_reported() -> None:
    refused: list[Refusal] = []
    settings = ServerSettings(hostname="mx.example.com", auth="trusted")
    session = ServerSession(
        ServerReplies(settings),
        ClientFacts(address="192.0.2.1"),
        OctetBudget(1000),
        on_refused=refused.append,
    )
    session.greet()
    say(session, b"XYZZY\r\nGET / HTTP/1.1\r\n")
    assert [each.code for each in refused] == [500, 421]


# S1, S3, S4: random commands against a model of what may be remembered.

COMMANDS = st.sampled_from(
    [
        *(b"EHLO c", b"HELO c", b"EHLO <", b"MAIL FROM:<a@x>", b"MAIL FROM:<>", b"MAIL FROM:<bad"),
        *(b"MAIL FROM:<a@x> SIZE=99999999999", b"RCPT TO:<b@x>", b"RCPT TO:<c@x>", b"RCPT TO:<bad"),
        *(b"DATA", b"DATA x", b"BDAT 3", b"BDAT 3 LAST", b"BDAT 0 LAST", b"BDAT 200", b"RSET"),
        *(b"NOOP", b"VRFY \xc3\xbc", b"VRFY \xff", b"STARTTLS", b"XYZZY", b"x" * 3000, b"NOOP \0"),
        *(
            b"MAIL FROM:<\xff>",
            b"MAIL FROM:<" + b"x" * 3000,
            b"DATA" + b"x" * 3000,
            b"RCPT" + b"x" * 3000,
        ),
    ]
)


class Model:
    """What RFC 5321 and S4 let a session remember."""

    def __init__(self) -> None:
        self.greeted = False
        self.tls = False
        self.sender: bytes | None = None
        self.recipients: list[bytes] = []
        self.refused_recipients = 0
        self.chunked = False

    def reset(self) -> None:
        self.sender = None
        self.recipients = []
        self.refused_recipients = 0
        self.chunked = False

    def expect(self, line: bytes) -> bytes:
        """The reply's code."""
        if len(line) > 2048 or b"\xff" in line:
            if line[:4] in (b"MAIL", b"DATA"):
                self.reset()
            return b"500"
        match line.split(b" ")[0]:
            case b"EHLO" | b"HELO":
                self.reset()
                if line.endswith(b"<"):
                    return b"501"
                self.greeted = True
                return b"250"
            case b"MAIL":
                nested, greeted = self.sender is not None, self.greeted
                self.reset()
                if nested or not greeted:
                    return b"503"
                if line.endswith(b"bad"):
                    return b"501"
                if b"SIZE" in line:
                    return b"552"
                self.sender = line
                return b"250"
            case b"RCPT":
                if self.sender is None:
                    return b"503"
                if self.chunked:
                    self.reset()
                    return b"503"
                if line.endswith(b"bad"):
                    self.refused_recipients += 1
                    return b"501"
                self.recipients.append(line[9:-1])
                return b"250"
            case b"DATA" if line == b"DATA x":
                self.reset()
                return b"501"
            case b"DATA" | b"BDAT":
                if self.sender is None:
                    return b"503"
                if not self.recipients:
                    refused = self.refused_recipients
                    self.reset()
                    return b"554" if refused else b"503"
                if line == b"DATA":
                    if self.chunked:
                        self.reset()
                        return b"503"
                    return b"354"
                if line == b"BDAT 200":
                    self.reset()
                    return b"552"
                self.chunked = True
                return b"message" if line.endswith(b"LAST") else b"250"
            case b"RSET":
                self.reset()
                return b"250"
            case b"STARTTLS":
                if self.tls:
                    return b"503"
                self.__init__()  # type: ignore[misc]
                self.tls = True
                return b"220"
            case b"VRFY":
                return b"252" if line.endswith(b"\xbc") else b"500"
            case b"NOOP":
                return b"501" if line.endswith(b"\0") else b"250"
            case _:
                return b"500"


def payload(line: bytes) -> bytes:
    """What a client sends behind a BDAT command: commands, to see whether they are taken for such."""
    if not line.startswith(b"BDAT"):
        return b""
    size = int(line.split(b" ")[1])
    return (b"RSET\r\nQUIT\r\n" * 20)[:size] if size > 3 else b"x\r\n"[:size]


@settings(max_examples=300)
@given(st.lists(st.tuples(COMMANDS, st.booleans(), st.booleans()), max_size=25))
def test_random_commands_agree_with_a_model_s4_ss2(steps: list[tuple[bytes, bool, bool]]) -> None:
    budget = OctetBudget(10_000)
    session = make_session(
        starttls=True,
        budget=budget,
        message_octets=100,
        errors_per_connection=1000,
    )
    model = Model()
    content = b""
    for line, accept, good in steps:
        was_chunked = model.chunked
        expected = model.expect(line)
        event = say(session, line + b"\r\n" + payload(line))
        reply = session.outgoing()
        if line.startswith(b"BDAT"):
            content = (content if was_chunked else b"") + payload(line)
        if expected == b"354":
            assert reply.startswith(b"354")
            content = b"a\r\n" if good else b"a\nb\r\n"
            event = say(session, content + b".\r\n")
            expected = b"message" if good else b"550"
            reply = session.outgoing()
            if not good:
                model.reset()
        if expected == b"message" and len(content) > 100:
            expected = b"552"
            model.reset()
        if expected == b"message":
            assert isinstance(event, MessageReceived)
            envelope = event.message.envelope
            assert model.sender is not None
            assert envelope.reverse_path.encode() == model.sender[11:-1]
            assert [each.forward_path.encode() for each in envelope.recipients] == model.recipients
            assert event.message.content == content
            if accept:
                session.accept_message("Ok")
            else:
                session.refuse_message(Refusal(550, "5.7.1", "No"))
            model.reset()
            assert session.next_event() is None
            assert session.outgoing()[:3] == (b"250" if accept else b"550")
            assert budget.used == 0
        elif expected == b"220":
            assert isinstance(event, StartTlsRequested)
            session.tls_started(TLS)
        else:
            assert event is None
            assert reply[:3] == expected
            assert reply.count(b"\r\n") == 1 or line == b"EHLO c"
    said = code_after(session, b"RCPT TO:<b@x>\r\n")
    assert (said != b"503") is (model.sender is not None and not model.chunked)
    session.close()
    assert budget.used == 0


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            [
                *(
                    b"MAIL FROM:<a@x>\r\n",
                    b"RCPT TO:<b@x>\r\n",
                    b"RSET\r\n",
                    b"NOOP\r\n",
                    b"XYZZY\r\n",
                ),
                *(
                    b"BDAT 3\r\nx\r\n",
                    b"BDAT 6 LAST\r\nRSET\r\n",
                    b"BDAT 2 LAST\r\n\r\n",
                    b"BDAT 0 LAST\r\n",
                ),
                *(
                    b"BDAT 500 LAST\r\n" + b"QUIT\r\n" * 83 + b"xx",
                    b"y" * 3000 + b"\r\n",
                    b"NOOP\n",
                    b"QUIT\r\n",
                ),
            ]
        ),
        max_size=20,
    ),
    st.lists(st.integers(1, 40), max_size=60),
)
def test_chunking_never_changes_the_replies(parts: list[bytes], sizes: list[int]) -> None:
    wire = b"".join(parts)
    at, chunks = 0, []
    for size in sizes:
        chunks.append(wire[at : at + size])
        at += size
    chunks.append(wire[at:])

    def replies(*chunks: bytes) -> bytes:
        session = make_session(message_octets=100, errors_per_connection=8)
        code_after(session, b"HELO c\r\n")
        said = b""
        for chunk in chunks:
            event = say(session, chunk)
            while event is not None:
                said += session.outgoing() + repr(event).encode()
                if isinstance(event, MessageReceived):
                    session.accept_message("Ok")
                event = session.next_event()
            said += session.outgoing()
        return said

    assert replies(*chunks) == replies(wire)


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=200), max_size=10))
def test_any_octets_are_answered_and_never_raise(chunks: list[bytes]) -> None:
    session = make_session(auth="required", tls=TLS)
    for chunk in chunks:
        event = say(session, chunk)
        while isinstance(event, AuthRequested | MessageReceived):
            session.auth_failed(Refusal(535, "5.7.8", "No"))
            event = session.next_event()
        for line in session.outgoing().split(b"\r\n")[:-1]:
            assert line[:3].isdigit()
            assert line.isascii()
            assert line.decode().isprintable()


@pytest.mark.parametrize(
    ("trusted", "repair", "may_repair", "line_ends"),
    [
        (True, None, True, True),
        (True, True, True, True),
        (True, False, False, False),
        (False, None, False, False),
        (False, True, True, False),  # S1: who logs in gets no line ends mended
    ],
)
def test_what_is_mended_for_whom(
    trusted: bool, repair: bool | None, may_repair: bool, line_ends: bool
) -> None:
    settings = ServerSettings(
        hostname="mx.example.com", auth="trusted" if trusted else "required", repair=repair
    )
    client = ClientFacts(address="192.0.2.1", trusted=trusted)
    session = ServerSession(ServerReplies(settings), client, OctetBudget(10_000), tls=TLS)
    session.greet()
    code_after(session, b"EHLO c\r\n")
    if not trusted:
        say(session, b"AUTH PLAIN AGEAYg==\r\n")
        session.auth_succeeded(
            LoggedIn(user="a", tenant="t", senders=("*",), allows=lambda _: True)
        )
    to_data = (b"MAIL FROM:<>", b"RCPT TO:<b@example.org>", b"DATA")
    message = send(session, *to_data, b"From: root\r\n\r\n.\r\n")
    assert (message.may_repair, message.repairs) == (may_repair, ())
    session.accept_message("Ok")
    session.outgoing()
    if line_ends:
        message = send(session, *to_data, b"From: root\n\nx\n\r\n.\r\n")
        assert message.repairs == (Repair.LINE_ENDS,)
        assert message.content == b"From: root\r\n\r\nx\r\n\r\n"
    else:
        for line in to_data:
            code_after(session, line + b"\r\n")
        assert code_after(session, b"From: root\n\nx\n\r\n.\r\n") == b"550"
