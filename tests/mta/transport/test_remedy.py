"""Mirrors angarium/mta/transport/remedy.py."""

import pytest

from angarium.mta.transport.remedy import Remedy, remedy_of_loss, remedy_of_reply
from angarium.smtp.client.capabilities import Capabilities
from angarium.smtp.client.stage import ClientStage
from angarium.smtp.reply import Reply

ALL = Capabilities(pipelining=True, chunking=True)
PIPELINING = Capabilities(pipelining=True)
CHUNKING = Capabilities(chunking=True)
NONE = Capabilities()


def said(line: str) -> Reply:
    return Reply(int(line[:3]), (line[4:].encode(),))


@pytest.mark.parametrize(
    "line",
    [
        "530 5.7.0 Must issue a STARTTLS command first",
        "530 go away",  # RFC 3207 section 4
        "530 5.7.0 Authentication required",  # under TLS it says so again, and is believed
        "550 5.7.10 no",  # RFC 5248
        "451 4.7.0 TLS is required here",
        "554 5.7.1 Encryption needed",
        "550-5.7.29 nothing in the clear",
        "421 4.7.29 we ask for SSL",
    ],
)
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "final_dot"])
def test_whoever_asks_for_tls_gets_it_if_it_was_skipped(stage: ClientStage, line: str) -> None:
    assert remedy_of_reply(stage, said(line), NONE, skipped_tls=True) is Remedy.WITH_TLS
    assert remedy_of_reply(stage, said(line), NONE, skipped_tls=False) is None


@pytest.mark.parametrize(
    "line",
    [
        "550 5.1.1 no such user",
        "550 5.1.1 TLS: no such mailbox",
        "550 no such user tls@ssl.example, see https://tls.example/ssl",
        "451 4.3.0 later",
        "250 TLS ok",
    ],
)
def test_what_does_not_ask_for_tls_stands(line: str) -> None:
    assert remedy_of_reply("rcpt", said(line), NONE, skipped_tls=True) is None


@pytest.mark.parametrize("code", [500, 501, 502, 503, 504])
def test_bdat_that_is_not_understood_is_done_without(code: int) -> None:
    reply = said(f"{code} 5.5.1 what")
    assert remedy_of_reply("final_dot", reply, CHUNKING, skipped_tls=False) is (
        Remedy.WITHOUT_CHUNKING
    )
    assert remedy_of_reply("final_dot", reply, PIPELINING, skipped_tls=False) is None  # DATA


@pytest.mark.parametrize("line", ["554 5.6.0 spam", "552 too big", "451 4.3.0 disk", "250 ok"])
def test_what_is_said_of_the_content_is_believed(line: str) -> None:
    assert remedy_of_reply("final_dot", said(line), ALL, skipped_tls=False) is None


@pytest.mark.parametrize(
    "line",
    [
        "503 5.5.1 need MAIL first",
        "500 what",
        "502 5.5.2 not implemented",
        "554 SMTP synchronization error",
        "550 5.5.0 Improper use of PIPELINING",
    ],
)
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_who_stumbles_over_pipelined_commands_gets_one_at_a_time(
    stage: ClientStage, line: str
) -> None:
    reply = said(line)
    assert remedy_of_reply(stage, reply, ALL, skipped_tls=False) is Remedy.WITHOUT_PIPELINING
    assert remedy_of_reply(stage, reply, CHUNKING, skipped_tls=False) is None


@pytest.mark.parametrize("line", ["501 5.1.3 bad address", "550 5.1.1 no", "450 4.2.0 later"])
def test_what_is_said_of_a_recipient_is_believed(line: str) -> None:
    assert remedy_of_reply("rcpt", said(line), ALL, skipped_tls=False) is None


@pytest.mark.parametrize(
    ("stage", "offered", "content_sent", "expected"),
    [
        ("mail", PIPELINING, False, Remedy.WITHOUT_PIPELINING),
        ("data", PIPELINING, False, Remedy.WITHOUT_PIPELINING),
        ("final_dot", PIPELINING, True, None),  # it took the commands
        ("mail", ALL, True, Remedy.WITHOUT_CHUNKING),
        ("final_dot", CHUNKING, True, Remedy.WITHOUT_CHUNKING),
        ("data", CHUNKING, False, Remedy.WITHOUT_CHUNKING),  # content that could not be written
        ("mail", ALL, False, Remedy.WITHOUT_PIPELINING),
        ("mail", NONE, False, None),
    ],
)
def test_a_first_transaction_that_is_lost_has_suspects(
    stage: str, offered: Capabilities, content_sent: bool, expected: Remedy | None
) -> None:
    found = remedy_of_loss(stage, offered, is_first=True, content_sent=content_sent)
    assert found is expected


def test_a_later_one_was_spoken_as_the_first() -> None:
    early = Remedy.WITHOUT_EARLY_CONTENT
    assert remedy_of_loss("mail", ALL, is_first=False, content_sent=True) is early
    assert remedy_of_loss("mail", ALL, is_first=False, content_sent=False) is None
    assert remedy_of_loss("final_dot", ALL, is_first=False, content_sent=True) is None
