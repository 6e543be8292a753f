"""Mirrors angarium/smtp/client/session.py and client_transaction.py: dialogues without sockets."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.smtp.client.command import ArgumentError
from angarium.smtp.client.session import ClientSession
from angarium.smtp.client.transaction import (
    BDAT_FLIGHT_OCTETS,
    Answer,
    Flight,
    NotSendable,
    NotSendableError,
    NotUnderstood,
)
from angarium.smtp.reply import PeerError
from tests.smtp.client.client_samples import ALL, HEADER, Mail, Rcpt, greeted, to

UTF8_HEADER = "From: a@example.org\r\nSubject: tést\r\n\r\n".encode()


def wire(flight: Flight | None) -> bytes:
    assert flight is not None
    return b"".join(flight.blocks(7))


def codes(session: ClientSession) -> list[tuple[str, int] | str | None]:
    out: list[tuple[str, int] | str | None] = []
    for answer in session.answers():
        if isinstance(answer, Answer):
            out.append((answer.stage, answer.reply.code))
        else:
            out.append(answer.enhanced if isinstance(answer, NotSendable) else shown(answer))
    return out


TOO_MANY = "not understood: a reply that no command asked for"


def shown(answer: NotUnderstood | None) -> str | None:
    return None if answer is None else f"not understood: {answer.text}"


def complete(session: ClientSession, replies: bytes) -> None:
    assert session.receive(replies)
    session.next_flight()


def half_step(session: ClientSession, *addresses: str) -> None:
    """A transaction step by step, up to the first RCPT, which awaits its reply."""
    mail = msgspec.structs.replace(to(*addresses), in_steps=True)
    assert wire(session.open_transaction(mail)).startswith(b"MAIL")
    assert session.receive(b"250 ok\r\n")
    assert wire(session.next_flight()).startswith(b"RCPT")


# --- one transaction ------------------------------------------------------------------------


def test_with_pipelining_a_message_takes_two_flights() -> None:
    session = greeted(*ALL)
    first = session.open_transaction(to("b@example.net", "c@example.net"))
    assert wire(first) == (
        b"MAIL FROM:<a@example.org> SIZE=45\r\nRCPT TO:<b@example.net>\r\n"
        b"RCPT TO:<c@example.net>\r\nDATA\r\n"
    )
    assert session.receive(b"250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n")
    second = session.next_flight()
    assert wire(second) == HEADER + b"hello\r\n.\r\n"
    assert second is not None
    assert second.ends_content
    assert session.receive(b"250 2.0.0 queued\r\n")
    assert session.next_flight() is None
    assert codes(session) == [("final_dot", 250), ("final_dot", 250)]
    assert session.is_open


def test_with_chunking_too_it_takes_one() -> None:
    session = greeted(*ALL, "CHUNKING")
    flight = session.open_transaction(Mail(body=b".dots stay\r\n"))
    assert wire(flight) == (
        b"MAIL FROM:<a@example.org> SIZE=50\r\nRCPT TO:<b@example.net>\r\nBDAT 50 LAST\r\n"
        + HEADER
        + b".dots stay\r\n"
    )
    assert session.receive(b"250 ok\r\n250 ok\r\n250 queued\r\n")
    assert session.next_flight() is None
    assert codes(session) == [("final_dot", 250)]


def test_a_large_message_waits_for_a_recipient_before_bdat() -> None:  # CT2
    session = greeted(*ALL, "CHUNKING")
    mail = Mail(body=b"x" * BDAT_FLIGHT_OCTETS + b"\r\n")
    assert wire(session.open_transaction(mail)).endswith(b"RCPT TO:<b@example.net>\r\n")
    assert session.receive(b"250 ok\r\n550 no\r\n")
    assert session.next_flight() is None
    assert codes(session) == [("rcpt", 550)]


def test_without_pipelining_it_goes_command_by_command() -> None:
    session = greeted("8BITMIME")
    flight = session.open_transaction(to("b@example.net", "c@example.net"))
    sent = []
    for reply in (b"250 ok\r\n", b"250 ok\r\n", b"550 no\r\n", b"354 go\r\n", b"250 done\r\n"):
        sent.append(wire(flight))
        assert session.receive(reply)
        flight = session.next_flight()
    assert flight is None
    assert sent == [
        b"MAIL FROM:<a@example.org>\r\n",
        b"RCPT TO:<b@example.net>\r\n",
        b"RCPT TO:<c@example.net>\r\n",
        b"DATA\r\n",
        HEADER + b"hello\r\n.\r\n",
    ]
    assert codes(session) == [("final_dot", 250), ("rcpt", 550)]


def test_chunking_without_pipelining_sends_content_behind_the_recipients() -> None:
    session = greeted("CHUNKING")
    wire(session.open_transaction(Mail()))
    session.receive(b"250 ok\r\n")
    assert wire(session.next_flight()) == b"RCPT TO:<b@example.net>\r\n"
    session.receive(b"250 ok\r\n")
    assert wire(session.next_flight()) == b"BDAT 45 LAST\r\n" + HEADER + b"hello\r\n"
    session.receive(b"250 ok\r\n")
    assert session.next_flight() is None


def test_refused_mail_ends_a_transaction_step_by_step() -> None:
    session = greeted("8BITMIME")
    session.open_transaction(Mail())
    assert session.receive(b"451 4.7.1 later\r\n")
    assert session.next_flight() is None
    assert codes(session) == [("mail", 451)]


def test_mails_refusal_says_more_than_the_503_behind_it() -> None:  # CT1
    session = greeted(*ALL)
    session.open_transaction(to("b@example.net", "c@example.net"))
    assert session.receive(b"550 5.7.1 not you\r\n503 no\r\n503 no\r\n503 no\r\n")
    assert session.next_flight() is None
    assert codes(session) == [("mail", 550), ("mail", 550)]


def test_dots_are_stuffed_for_data_s2() -> None:
    session = greeted(*ALL)
    session.open_transaction(Mail(body=b".\r\n..a\r\nb.\r\n"))
    session.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
    assert wire(session.next_flight()) == HEADER + b"..\r\n...a\r\nb.\r\n.\r\n"


def test_a_body_without_final_crlf_gets_one() -> None:
    session = greeted(*ALL)
    assert b"SIZE=42" in wire(session.open_transaction(Mail(body=b"ab")))
    session.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
    assert wire(session.next_flight()) == HEADER + b"ab\r\n.\r\n"


@pytest.mark.parametrize("body", [b"a\nb\r\n", b"a\rb\r\n", b"\n.\r\nMAIL FROM:<x@y>\r\n", b"x\r"])
def test_a_bare_line_end_is_refused_before_any_octet_goes_out_s2(body: bytes) -> None:  # CT3
    session = greeted(*ALL)
    with pytest.raises(NotSendableError) as caught:
        session.open_transaction(Mail(body=body))
    assert caught.value.refusal.enhanced == "5.6.0"
    assert wire(session.open_transaction(Mail())).startswith(b"MAIL")  # the session is as it was


# --- recipients and DATA --------------------------------------------------------------------


def test_a_body_that_was_checked_is_not_looked_at_again_but_our_header_is_s2() -> None:
    dotted = Mail(body=b".a\r\nb\r\n", has_dot_lines=True)
    session = greeted("PIPELINING")
    session.open_transaction(dotted)
    session.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
    assert wire(session.next_flight()).endswith(b"\r\n\r\n..a\r\nb\r\n.\r\n")
    inserted = Mail(header=b"X-Ours: 1\n.\r\n" + HEADER, has_dot_lines=False)
    with pytest.raises(NotSendableError):
        greeted("PIPELINING").open_transaction(inserted)


def test_when_all_recipients_are_refused_354_is_met_with_a_lone_dot() -> None:
    session = greeted(*ALL)
    session.open_transaction(Mail())
    assert session.receive(b"250 ok\r\n550 5.1.1 no\r\n354 go\r\n")
    assert wire(session.next_flight()) == b".\r\n"
    assert session.receive(b"554 no valid recipients\r\n")
    assert session.next_flight() is None
    assert codes(session) == [("rcpt", 550)]
    assert wire(session.open_transaction(Mail())).startswith(b"RSET\r\nMAIL")


@pytest.mark.parametrize("reply", [b"554 no valid recipients\r\n", b"503 need RCPT\r\n"])
def test_when_all_recipients_are_refused_data_may_be_refused_too(reply: bytes) -> None:
    session = greeted(*ALL)
    session.open_transaction(Mail())
    assert session.receive(b"250 ok\r\n450 4.2.0 later\r\n" + reply)
    assert session.next_flight() is None
    assert codes(session) == [("rcpt", 450)]
    assert session.is_open


def test_refused_data_concerns_the_accepted_recipients_only() -> None:
    session = greeted(*ALL)
    session.open_transaction(to("b@example.net", "c@example.net"))
    assert session.receive(b"250 ok\r\n250 ok\r\n550 no\r\n451 disk\r\n")
    assert session.next_flight() is None
    assert codes(session) == [("data", 451), ("rcpt", 550)]


def test_the_final_reply_is_for_all_accepted_recipients() -> None:
    session = greeted(*ALL)
    session.open_transaction(to("b@example.net", "c@example.net", "d@example.net"))
    session.receive(b"250 ok\r\n250 ok\r\n550 no\r\n251 forwarded\r\n354 go\r\n")
    session.next_flight()
    session.receive(b"554 5.6.0 spam\r\n")
    assert session.next_flight() is None
    assert codes(session) == [("final_dot", 554), ("rcpt", 550), ("final_dot", 554)]


@pytest.mark.parametrize(
    "replies",
    [
        b"354 go\r\n250 ok\r\n250 ok\r\n",  # MAIL
        b"250 ok\r\n354 ok\r\n354 ok\r\n",  # RCPT
        b"250 ok\r\n250 ok\r\n250 ok\r\n",  # DATA
        b"550 no\r\n250 ok\r\n354 go\r\n",  # a dot would send an empty message
    ],
)
def test_a_reply_that_the_command_cannot_have_ends_the_session(replies: bytes) -> None:
    session = greeted(*ALL)
    session.open_transaction(Mail())
    with pytest.raises(PeerError):
        complete(session, replies)
    assert not session.is_open


def test_one_reply_too_many_before_the_content_ends_the_session() -> None:  # CS1
    session = greeted(*ALL)
    session.open_transaction(Mail())
    assert session.receive(b"250 ok\r\n250 ok\r\n354 go\r\n250 early\r\n")
    with pytest.raises(PeerError):
        session.next_flight()
    assert codes(session) == [None]


@pytest.mark.parametrize("extensions", [ALL, ("PIPELINING", "CHUNKING"), ("CHUNKING",), ()])
def test_one_reply_too_many_never_passes_for_the_answer_to_what_was_not_sent(
    extensions: tuple[str, ...],
) -> None:
    """CS5: the connection's end is no reason to read the same replies once more."""
    for doubled in range(4):
        session = greeted(*extensions)
        flight = session.open_transaction(Mail(body=b"x\r\n" * 30_000))
        position = 0
        with contextlib.suppress(PeerError):
            while flight is not None:
                for stage in flight.stages:
                    reply = b"354 go\r\n" if stage == "data" else b"250 ok\r\n"
                    session.receive(reply * (2 if position == doubled else 1))
                    position += 1
                flight = session.next_flight()
        assert not session.is_open or position <= doubled
        before = codes(session)
        session.break_off()
        assert codes(session) == before
        assert before in ([None], [("final_dot", 250)], [TOO_MANY])


def test_one_reply_too_many_after_the_last_leaves_the_outcome_and_ends_the_session() -> None:
    session = greeted(*ALL)
    session.open_transaction(Mail())
    session.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
    session.next_flight()
    assert session.receive(b"250 queued\r\n250 again\r\n")
    assert session.next_flight() is None
    assert codes(session) == [("final_dot", 250)]
    assert not session.is_open


def test_a_part_of_a_reply_that_waits_before_a_command_ends_the_session_s11() -> None:  # CS4
    session = greeted(*ALL, "CHUNKING")
    assert session.receive(b"250 stale")  # would shift each reply by one, and the last to success
    with pytest.raises(PeerError):
        session.open_transaction(Mail())
    assert not session.is_open


def test_garbage_ends_the_session_s11() -> None:  # CS3
    session = greeted(*ALL)
    session.open_transaction(Mail())
    with pytest.raises(PeerError):
        session.receive(b"250 ok\r\nhello\r\n")
    assert not session.is_open
    session.break_off()
    assert codes(session) == [None]


# --- a peer that is out of step ---------------------------------------------------------------


@pytest.mark.parametrize(
    "replies",
    [
        b"250 ok\r\n250 b\r\n550 c\r\n550 c too\r\n250 d\r\n",  # to DATA is what was to d
        b"250 ok\r\n550 b\r\nhello\r\n",
        b"250 ok\r\n250 b\r\n550-c\r\n550 d\r\n354 go\r\n",  # c's reply has no end, and d has none
        b"550-ok\r\n550 b\r\n250 c\r\n354 go\r\n",
    ],
)
def test_out_of_step_with_commands_in_flight_nobody_has_an_answer(replies: bytes) -> None:  # CS6
    session = greeted(*ALL)
    session.open_transaction(to("b@example.net", "c@example.net", "d@example.net"))
    with pytest.raises(PeerError):
        session.receive(replies)
    assert not session.is_open
    session.break_off()
    assert codes(session) == [None, None, None]


def test_in_steps_a_message_goes_command_by_command_and_by_data() -> None:
    session = greeted(*ALL, "CHUNKING")
    half_step(session, "b@example.net", "c@example.net")
    assert session.receive(b"250 ok\r\n")
    assert wire(session.next_flight()) == b"RCPT TO:<c@example.net>\r\n"
    assert session.receive(b"250 ok\r\n")
    assert wire(session.next_flight()) == b"DATA\r\n"
    assert session.receive(b"354 go\r\n")
    assert wire(session.next_flight()) == HEADER + b"hello\r\n.\r\n"


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        (b"hello\r\n", "a line that is not a reply: hello"),
        (b"999 x\r\n", "a line that is not a reply: 999 x"),
        (b"354 go\r\n", "in reply to rcpt: 354 go"),
        (b"250 ok\r\n250 ok\r\n", "a reply that no command asked for"),
    ],
)
def test_in_steps_it_costs_its_recipient(replies: bytes, words: str) -> None:  # CS6
    session = greeted(*ALL)
    half_step(session, "b@example.net", "c@example.net")
    with pytest.raises(PeerError):
        complete(session, replies)
    session.break_off()
    assert codes(session) == [f"not understood: {words}", None]


def test_a_reply_too_many_leaves_the_refusal_before_it() -> None:  # CT1
    session = greeted(*ALL)
    half_step(session, "b@example.net", "c@example.net")
    assert session.receive(b"550 5.1.1 no\r\n550 5.1.1 really\r\n")
    with pytest.raises(PeerError):
        session.next_flight()
    assert codes(session) == [("rcpt", 550), None]


def test_text_behind_a_whole_reply_is_the_rest_of_it_and_dropped() -> None:  # CS1
    session = greeted(*ALL)
    half_step(session, "b@example.net", "c@example.net")
    assert session.receive(b"550 5.1.1 no such user\nSee http://mx.example/550\r\n\r\n")
    assert wire(session.next_flight()) == b"RCPT TO:<c@example.net>\r\n"
    assert codes(session) == [("rcpt", 550), None]


def test_text_that_never_ends_behind_a_whole_reply_ends_the_session_s11() -> None:
    session = greeted(*ALL)
    assert session.receive(b"text\r\n" * 1000)
    assert session.is_open
    assert session.receive(b"text\r\n" * 10_000)
    assert not session.is_open


@pytest.mark.parametrize("half", [b"550-5.1.1 no\r\n", b"550 5.1.1 no", b"421-bye\r\n"])
def test_half_a_refusal_is_one_when_no_more_comes(half: bytes) -> None:
    session = greeted(*ALL)
    half_step(session, "b@example.net", "c@example.net")
    assert not session.receive(half)
    assert session.is_amid_reply
    session.break_off()
    assert codes(session) == [("rcpt", int(half[:3])), None]


@pytest.mark.parametrize(
    ("half", "expected"),
    [(b"554-5.7.1 spam\r\n", ("final_dot", 554)), (b"250-queued\r\n", None), (b"2", None)],
)
def test_half_a_250_is_no_receipt(half: bytes, expected: object) -> None:
    session = greeted(*ALL)
    session.open_transaction(Mail())
    session.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
    session.next_flight()
    assert not session.receive(half)
    session.break_off()
    assert codes(session) == [expected]


@pytest.mark.parametrize("last", [b"250-queued\r\n251 as 5F1\r\n", b"550-a\r\n250 taken\r\n"])
def test_of_two_codes_for_the_content_the_last_decides(last: bytes) -> None:
    session = greeted(*ALL)
    session.open_transaction(Mail())
    session.receive(b"250-ok\r\n251 ok\r\n250 ok\r\n354-go\r\n354 on\r\n")
    session.next_flight()
    assert session.receive(last)
    assert session.next_flight() is None
    assert codes(session) == [("final_dot", int(last.split(b"\n")[1][:3]))]
    assert session.is_open


def test_of_two_codes_for_ehlo_the_last_decides() -> None:
    session = ClientSession("client.example")
    session.receive(b"220-mx\n220 hi\n")
    session.ehlo()
    assert session.receive(b"250-mx\r\n251-PIPELINING\r\n250 SIZE\r\n")
    session.learn_capabilities()
    assert (session.capabilities.pipelining, session.capabilities.size) == (True, True)


# --- 421, and connections that break ---------------------------------------------------------


@pytest.mark.parametrize("position", range(5))
def test_421_at_any_stage_decides_about_those_without_answer(position: int) -> None:
    replies = [b"250 ok\r\n", b"550 5.1.1 no\r\n", b"250 ok\r\n", b"354 go\r\n", b"250 ok\r\n"]
    session = greeted(*ALL)
    session.open_transaction(to("b@example.net", "c@example.net"))
    replies[position] = b"421 4.3.2 closing\r\n"
    if session.receive(b"".join(replies[: min(position + 1, 4)])) and position == 4:
        session.next_flight()
        assert session.receive(replies[4])
    assert session.next_flight() is None
    assert not session.is_open
    stage = ("mail", "rcpt", "rcpt", "data", "final_dot")[position]
    refused = ("rcpt", 550) if position > 1 else (stage, 421)
    assert codes(session) == [refused, (stage, 421)]


def test_421_behind_the_last_reply_of_a_flight_stops_the_content() -> None:
    session = greeted(*ALL)
    session.open_transaction(Mail())
    assert session.receive(b"250 ok\r\n250 ok\r\n354 go\r\n421 closing\r\n")
    assert session.next_flight() is None
    assert codes(session) == [("final_dot", 421)]
    assert not session.is_open


def test_421_behind_the_final_reply_leaves_the_outcome() -> None:
    session = greeted(*ALL, "CHUNKING")
    session.open_transaction(Mail())
    assert session.receive(b"250 ok\r\n250 ok\r\n250 queued\r\n421 too many\r\n")
    assert session.next_flight() is None
    assert codes(session) == [("final_dot", 250)]
    assert not session.is_open


def test_421_to_an_idle_session_closes_it() -> None:
    session = greeted(*ALL)
    assert session.receive(b"421 4.4.2 idle too long\r\n")
    assert not session.is_open
    with pytest.raises(PeerError):
        session.open_transaction(Mail())


def test_what_was_decided_before_the_connection_broke_stands() -> None:
    session = greeted(*ALL)
    session.open_transaction(to("b@example.net", "c@example.net"))
    assert not session.receive(b"250 ok\r\n550 no\r\n250 ok\r\n")
    session.break_off()
    assert codes(session) == [("rcpt", 550), None]


def test_answers_of_one_transaction_never_come_from_the_one_before() -> None:
    session = greeted(*ALL, "CHUNKING")
    session.open_transaction(Mail())
    session.receive(b"250 ok\r\n250 ok\r\n250 queued\r\n")
    session.next_flight()
    session.receive(b"421 bye\r\n")
    with pytest.raises(PeerError):
        session.open_transaction(Mail())
    session.break_off()
    with pytest.raises(AssertionError):
        session.answers()


# --- RSET -----------------------------------------------------------------------------------


def test_after_success_no_rset_is_sent() -> None:
    session = greeted(*ALL)
    for _ in range(2):
        assert wire(session.open_transaction(Mail())).startswith(b"MAIL")
        session.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
        session.next_flight()
        session.receive(b"250 ok\r\n")
        assert session.next_flight() is None


def refuse_data(session: ClientSession) -> None:
    session.open_transaction(Mail())
    session.receive(b"250 ok\r\n250 ok\r\n" + b"451 no\r\n")
    assert session.next_flight() is None


def test_after_a_failure_rset_goes_before_the_next_transaction() -> None:
    session = greeted(*ALL)
    refuse_data(session)
    assert wire(session.open_transaction(Mail())).startswith(b"RSET\r\nMAIL FROM")
    session.receive(b"250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n")
    assert wire(session.next_flight()).endswith(b"\r\n.\r\n")
    session.receive(b"250 ok\r\n")
    assert session.next_flight() is None
    assert codes(session) == [("final_dot", 250)]


def test_a_refused_rset_stops_the_content() -> None:
    session = greeted(*ALL)
    refuse_data(session)
    session.open_transaction(Mail())
    session.receive(b"500 what\r\n503 nested\r\n250 ok\r\n354 go\r\n")
    with pytest.raises(PeerError):
        session.next_flight()


def test_with_chunking_content_waits_for_the_reply_to_rset() -> None:
    session = greeted(*ALL, "CHUNKING")
    session.open_transaction(Mail())
    session.receive(b"250 ok\r\n250 ok\r\n451 no\r\n")
    assert session.next_flight() is None
    assert b"BDAT" not in wire(session.open_transaction(Mail()))
    session.receive(b"500 what\r\n503 nested\r\n250 ok\r\n")
    assert session.next_flight() is None
    assert codes(session) == [("rset", 500)]


# --- extensions -----------------------------------------------------------------------------


def test_parameters_are_sent_only_to_those_who_offer_them() -> None:
    mail = Mail(
        recipients=(Rcpt(forward_path="b@example.net", notify=1, orcpt="rfc822;b+c@example.net"),),
        ret="FULL",
        envid="id=1",
        body_8bit=True,
        smtputf8=True,
        header=UTF8_HEADER,
    )
    session = greeted(*ALL)
    assert wire(session.open_transaction(mail)) == (
        b"MAIL FROM:<a@example.org> SIZE=46 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=id+3D1\r\n"
        b"RCPT TO:<b@example.net> NOTIFY=SUCCESS ORCPT=rfc822;b+2Bc@example.net\r\nDATA\r\n"
    )
    session = greeted("8BITMIME", "SMTPUTF8", "PIPELINING")
    assert wire(session.open_transaction(mail)) == (
        b"MAIL FROM:<a@example.org> BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"
    )


@pytest.mark.parametrize(
    ("mail", "offered", "enhanced", "elsewhere"),
    [
        (Mail(smtputf8=True, header=UTF8_HEADER), ("8BITMIME",), "5.6.7", True),
        (Mail(reverse_path="ä@example.org"), ("8BITMIME",), "5.6.7", True),
        (Mail(body_8bit=True), ("SMTPUTF8",), "5.6.3", True),
        (Mail(), ("SIZE 44",), "5.3.4", False),
        (Mail(reverse_path="a@b> RET=FULL"), ALL, "5.1.7", False),
        (Mail(envid="a\nb"), ALL, "5.5.4", False),
    ],
)
def test_a_message_that_the_peer_cannot_take_is_refused_here(
    mail: Mail, offered: tuple[str, ...], enhanced: str, elsewhere: bool
) -> None:
    with pytest.raises(NotSendableError) as caught:
        greeted(*offered).open_transaction(mail)
    assert (caught.value.refusal.enhanced, caught.value.refusal.elsewhere) == (enhanced, elsewhere)


@pytest.mark.parametrize("offered", [("SIZE 45",), ("SIZE 0",), ("SIZE",), ("SIZE x",)])
def test_a_message_within_the_peers_limit_goes(offered: tuple[str, ...]) -> None:
    assert b" SIZE=45\r\n" in wire(greeted(*offered).open_transaction(Mail()))


def test_a_recipient_that_cannot_be_named_is_answered_here_and_the_others_go() -> None:
    session = greeted("PIPELINING")
    mail = to("ü@example.net", "b@example.net", "c@d>\r\nRSET", "")
    assert wire(session.open_transaction(mail)) == (
        b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"
    )
    session.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
    session.next_flight()
    session.receive(b"250 ok\r\n")
    assert session.next_flight() is None
    assert codes(session) == ["5.6.7", ("final_dot", 250), "5.1.3", "5.1.3"]


def test_what_another_recipients_address_needs_costs_no_one_else() -> None:
    """RFC 6531 section 3.2: an ASCII address is in no need of SMTPUTF8 for its neighbour's sake."""
    mail = msgspec.structs.replace(to("ü@example.net", "b@xn--bcher-kva.example"), smtputf8=True)
    session = greeted("PIPELINING")
    assert wire(session.open_transaction(mail)) == (
        b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@xn--bcher-kva.example>\r\nDATA\r\n"
    )
    session.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
    session.next_flight()
    session.receive(b"250 ok\r\n")
    assert session.next_flight() is None
    assert codes(session) == ["5.6.7", ("final_dot", 250)]
    one = msgspec.structs.replace(to("b@example.net"), smtputf8=True)
    assert wire(greeted(*ALL).open_transaction(one)).startswith(
        b"MAIL FROM:<a@example.org> SIZE=45\r\n"
    )
    both = wire(greeted(*ALL).open_transaction(mail))
    assert both.startswith(b"MAIL FROM:<a@example.org> SIZE=45 SMTPUTF8\r\n")


def test_when_no_recipient_can_be_named_nothing_is_sent() -> None:
    session = greeted("PIPELINING")
    assert session.open_transaction(to("ü@example.net")) is None
    assert codes(session) == ["5.6.7"]
    assert session.is_open


def test_capabilities_are_read_whatever_their_case_and_noise() -> None:
    session = greeted("pipelining", "Size 5000", "AUTH PLAIN login", "AUTH=PLAIN", "", "X\xff")
    assert session.capabilities.pipelining
    assert session.capabilities.size_limit == 5000
    assert session.capabilities.auth == ("PLAIN", "LOGIN")


def test_an_ehlo_name_that_breaks_the_line_is_refused_s9() -> None:
    with pytest.raises(ArgumentError):
        ClientSession("me\r\nMAIL FROM:<x@y>")


# --- STARTTLS -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "chunks",
    [
        [b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n"],
        [b"220 go\r\n", b"250-evil\r\n250 AUTH PLAIN\r\n"],
        [b"220 go\r\n250 ev", b"il\r\n"],
        [b"220 go\r\nrubbish\r\n"],
    ],
)
# CS2.
def test_what_comes_before_the_handshake_is_never_seen_after_it_s3(chunks: list[bytes]) -> None:
    session = greeted("STARTTLS", "PIPELINING")
    assert session.starttls() == b"STARTTLS\r\n"
    for chunk in chunks:
        assert session.receive(chunk)
    session.tls_started()
    assert not session.capabilities.pipelining  # learned in the clear: void
    session.ehlo()
    assert session.awaits_reply
    assert session.receive(b"250 mx.example\r\n")
    session.learn_capabilities()
    assert session.capabilities.auth == ()
    assert session.is_open


def test_after_a_refused_starttls_a_reply_too_many_still_ends_the_session_s3() -> None:
    session = greeted("STARTTLS")
    session.starttls()
    assert session.receive(b"454 no\r\n250 extra\r\n")
    assert not session.is_open


# --- whatever the peer says -----------------------------------------------------------------

LINES = st.sampled_from(
    [b"250 ok\r\n", b"250-a\r\n250 b\r\n", b"354 go\r\n", b"550 no\r\n", b"421 bye\r\n", b"x\r\n"]
)


def play(replies: list[bytes], *, extensions: tuple[str, ...], size: int) -> object:
    """Run one transaction against a script, cut in chunks of ``size``."""
    session = greeted(*extensions)
    flight = session.open_transaction(to("b@example.net", "c@example.net"))
    octets = b"".join(replies)
    sent = [wire(flight)]
    try:
        while octets and flight is not None:
            chunk, octets = octets[:size], octets[size:]
            if session.receive(chunk):
                flight = session.next_flight()
                if flight is not None:
                    sent.append(wire(flight))
    except PeerError:
        session.break_off()
    return sent, codes(session)


@given(
    st.lists(LINES, max_size=8), st.sampled_from([(), ("PIPELINING",), ("PIPELINING", "CHUNKING")])
)
def test_a_recipient_is_delivered_only_by_a_2yz_reply_to_the_content(
    replies: list[bytes], extensions: tuple[str, ...]
) -> None:
    sent, answers = play(replies, extensions=extensions, size=1)  # type: ignore[misc]
    for answer in answers:
        if isinstance(answer, tuple) and answer[1] < 400:
            assert answer[0] == "final_dot"
            assert any(HEADER in each for each in sent)
