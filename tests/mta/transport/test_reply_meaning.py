"""Mirrors angarium/mta/transport/reply_meaning.py."""

import json
from pathlib import Path

import pytest

from angarium.mta.transport.outcome import Permanent, Scope, Taken, Transient
from angarium.mta.transport.reply_meaning import Where, meaning, opening_failure
from angarium.queue.model import UnixMs
from angarium.smtp.reply import Reply

WHERE = Where(host="mx.example", address="192.0.2.1", source="ip1", tls="TLSv1.3")
NOW = UnixMs(1234)
REPLIES = Path(__file__).parents[4] / "shared/data/bounces/smtp_replies.json"


def reply(line: str) -> Reply:
    return Reply(int(line[:3]), (line[4:].encode(),))


def brief(stage: str, line: str) -> str:
    """ "transient site", with " greylisted" behind it where it is so."""
    outcome = meaning(stage, reply(line), WHERE, NOW)
    match outcome:
        case Taken():
            return "accepted"
        case Transient(scope=scope, greylisted=greylisted):
            return f"transient {scope.value}" + (" greylisted" if greylisted else "")
        case Permanent(scope=scope):
            return f"permanent {scope.value}"


@pytest.mark.parametrize(
    ("stage", "line", "expected"),
    [
        ("final_dot", "250 2.0.0 queued", "accepted"),
        ("rcpt", "550 5.1.1 no such user", "permanent recipient"),
        ("rcpt", "450 4.2.1 busy", "transient recipient"),
        ("rcpt", "421 4.3.2 shutting down", "transient session"),
        ("rset", "500 what", "transient session"),
        ("mail", "550 5.1.8 bad sender domain", "permanent message"),
        ("mail", "451 4.1.8 sender domain does not resolve", "transient message"),
        ("mail", "452 4.3.1 insufficient system storage", "transient session"),
        ("mail", "421 4.7.0 try again", "transient session"),
        ("mail", "550 5.7.1 your IP is on a block list", "transient site"),
        ("mail", "554 5.7.1 client host [192.0.2.2] blocked using zen.spamhaus.org", "transient site"),
        ("mail", "451 4.7.650 The mail server [192.0.2.2] has been rate limited", "transient site"),
        ("mail", "550 Ip frequency limited", "transient site"),
        ("mail", "550 5.7.1 this sender may not send", "permanent message"),
        ("data", "554 5.7.1 content rejected", "permanent message"),
        ("final_dot", "554 5.6.0 malformed", "permanent message"),
        ("final_dot", "451 4.3.0 queue file write error", "transient message"),
        ("final_dot", "552 5.3.4 message too big", "permanent message"),
        # RFC 5321 section 4.5.3.1.10
        ("rcpt", "452 4.5.3 Too many recipients", "transient recipient"),
        ("rcpt", "452 Too many recipients received this hour", "transient recipient"),
        ("rcpt", "552 Too many recipients", "transient recipient"),
        ("rcpt", "552 5.5.3 enough", "transient recipient"),
        ("rcpt", "552 5.2.2 mailbox full", "permanent recipient"),
        ("rcpt", "552 mailbox is over quota", "permanent recipient"),
        # greylisting
        ("rcpt", "450 4.2.0 <a@b>: Recipient address rejected: Greylisted", "transient recipient greylisted"),
        ("rcpt", "451 4.7.1 Greylisting in action, please come back later", "transient recipient greylisted"),
        ("rcpt", "451 4.7.1 Please try again later", "transient recipient greylisted"),
        ("data", "451 4.7.1 Grey listed, try again in 300 seconds", "transient message greylisted"),
        ("rcpt", "450 4.7.1 you are a new sender recipient pair, come back", "transient recipient greylisted"),
        ("rcpt", "450 4.1.1 unverified address: verification in progress", "transient recipient greylisted"),
        ("rcpt", "451 4.7.1 this host is on a blacklist, try again later", "transient recipient"),
        ("rcpt", "451 4.7.1 server busy, try again later", "transient recipient"),
        ("rcpt", "451 4.7.1 rate limited, try again later", "transient recipient"),
        ("rcpt", "451 Temporary local problem - please try later", "transient recipient"),
        ("rcpt", "452 4.2.2 mailbox full, try again later", "transient recipient"),
        ("rcpt", "550 5.7.1 greylisted for ever", "permanent recipient"),
    ],
)  # fmt: skip
def test_a_reply_means(stage: str, line: str, expected: str) -> None:
    assert brief(stage, line) == expected


@pytest.mark.parametrize("line", ["452 Too many recipients", "552 5.5.3 Too many recipients"])
def test_too_many_recipients_has_one_status_whatever_the_peer_gave(line: str) -> None:
    outcome = meaning("rcpt", reply(line), WHERE, NOW)
    assert outcome.attempt.enhanced == "4.5.3"
    assert outcome.attempt.code == 452
    assert outcome.attempt.text == line


@pytest.mark.parametrize(
    ("line", "scope"),
    [
        ("554 5.7.1 no service for you", Scope.SITE),
        ("550 blocked", Scope.SITE),
        ("421 4.3.2 too busy", Scope.SESSION),
        ("450 later", Scope.SESSION),
    ],
)
@pytest.mark.parametrize("stage", ["banner", "ehlo", "starttls"])
def test_a_host_that_does_not_want_us_bounces_nothing(stage: str, line: str, scope: Scope) -> None:
    outcome = opening_failure(stage, reply(line), WHERE, NOW)
    assert outcome.scope is scope
    assert outcome.attempt.stage == stage


def test_an_attempt_says_where_when_and_what() -> None:
    outcome = meaning("rcpt", reply("550 5.1.1 no \x1b[31muser"), WHERE, NOW)
    attempt = outcome.attempt
    assert (attempt.host, attempt.address, attempt.source) == ("mx.example", "192.0.2.1", "ip1")
    assert (attempt.at, attempt.tls, attempt.stage) == (NOW, "TLSv1.3", "rcpt")
    assert (attempt.code, attempt.enhanced) == (550, "5.1.1")
    assert attempt.text == "550 5.1.1 no  [31muser"  # S11, C7


@pytest.mark.skipif(not REPLIES.exists(), reason="the shared collection of replies is not here")
def test_real_replies_are_later_or_never_as_their_code_says() -> None:
    collection = json.loads(REPLIES.read_text())
    seen = 0
    for each in collection:
        line = each["text"]
        if not (line[:3].isdigit() and line[3:4] in (" ", "-") and line[0] in "45"):
            continue
        seen += 1
        for stage in ("mail", "rcpt", "data", "final_dot"):
            outcome = meaning(stage, reply(line), WHERE, NOW)
            if line[0] == "4":
                assert isinstance(outcome, Transient), line
            elif stage in ("data", "final_dot"):
                assert isinstance(outcome, Permanent), line
            if each["reason"] == "user_unknown" and line[0] == "5" and stage == "rcpt":
                assert isinstance(outcome, Permanent), line
            assert not (isinstance(outcome, Transient) and outcome.greylisted) or line[0] == "4"
    assert seen > 50
