"""Mails mutated by seed, and ones made to explode (C2, C4). ANGARIUM_FUZZ_SEED repeats one run."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.feedback.mail.bounces import MAX_RECIPIENTS
from angarium.feedback.mail.judging import MAX_REPLY
from angarium.feedback.mail.references import MAX_REFERENCES
from angarium.feedback.reading import read_mail

MAILS = sorted((Path(__file__).parent / "mails").glob("*.eml"))
SHARED = Path(__file__).parents[3] / "shared/data/bounces/eml"
SPICE = (
    *(
        b"\0",
        b"\r",
        b"\n",
        b"\r\n\r\n",
        b"\xff",
        b"\xc3",
        b"<",
        b">",
        b"@",
        b":",
        b"=?",
        b"?=",
        b"=",
    ),
    *(b"--", b"\n--x\n", b"\nContent-Type: multipart/mixed; boundary=x\n\n", b"+40", b"\\x{41}"),
    *(
        b"\nFinal-Recipient: rfc822; a@b.example\n",
        b"\nAction: failed\n",
        b"550 5.1.1 ",
        b'"',
        b"(",
    ),
    *(
        b"\nContent-Transfer-Encoding: base64\n",
        b"\nContent-Type: text/html\n",
        b"&#x110000;",
        b"<!--",
    ),
    *(
        b"\nContent-Type: message/rfc822\n",
        b"a" * 3000,
        b"\x1b$B",
        b"; charset=utf-16",
        b"{",
        b"[" * 999,
    ),
)
HEADER = (
    b"Return-Path: <>\nFrom: MAILER-DAEMON@x.test\nTo: a@b.test\nSubject: could not be delivered\n"
)
REPEATED = (
    *(
        b"a",
        b" ",
        b"<",
        b"@",
        b'"@',
        b"a@b.cc ",
        b"a@b.cc\n",
        b"\n",
        b"--a\n",
        b"=?utf-8?q?a?= ",
        b"=?",
    ),
    *(
        b"<a@b.cc>:\n550 x\n",
        b"To: a@b.cc\n",
        b"Final-Recipient: rfc822; a@b.cc\n",
        b"<style>",
        b"<!--",
    ),
    *(
        b"&",
        b"(",
        b".",
        b"1.",
        b"550 5.1.1 ",
        b"RCPT TO:<a@b.cc>\n",
        b"\x1b$B",
        b"\xff",
        b"could not be ",
    ),
    *(
        b"contact ",
        b"Received: for a@b.cc;\n",
        b"X: ",
        b"+40",
        b"\\x{41}",
        b'{"a":',
        b";a=",
        b"a*0*='",
    ),
    *(
        b"unsubscribe ",
        b"report domain: ",
        b"from ",
        b"\xe3\x81\x82",
        b"  a@b.cc\n\n",
        b"-",
        b"=3D",
        b"=\n",
    ),
)
AROUND = {
    "header": HEADER + b"X-Failed-Recipients: ",
    "type": HEADER + b'Content-Type: multipart/mixed; boundary="',
    "text": HEADER + b"\n",
    "html": HEADER + b"Content-Type: text/html\n\n",
    "base64": HEADER + b"Content-Transfer-Encoding: base64\n\n",
    "quoted-printable": HEADER + b"Content-Transfer-Encoding: quoted-printable\n\n",
    "status": HEADER
    + b"Content-Type: multipart/report; boundary=q\n\n--q\nContent-Type: message/delivery-status\n\n",
    "message": HEADER
    + b"Content-Type: multipart/report; boundary=q\n\n--q\nContent-Type: message/rfc822\n\n",
    "complaint": b"Content-Type: multipart/report; boundary=q\n\n--q\nContent-Type: message/feedback-report\n\n",
    "notification": HEADER + b'\n{"notificationType":"Bounce",',
}


def check(octets: bytes) -> None:
    """Read it; whatever it is, what is returned is bounded and can be shown."""
    report = read_mail(octets)
    assert len(report.recipients) <= MAX_RECIPIENTS
    assert len(report.references) <= MAX_REFERENCES
    for each in report.recipients:
        assert "@" in each.address
        assert each.address.isprintable()
        assert len(each.reply) <= MAX_REPLY
    msgspec.json.encode(report)


def mutated(octets: bytes, chance: random.Random) -> bytes:
    wire = bytearray(octets)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = chance.randrange(len(wire) + 1)
        match chance.randrange(6):
            case 0 | 1:
                wire[at:at] = chance.choice(SPICE)
            case 2:
                del wire[at : at + chance.randrange(1, 60)]
            case 3 if at < len(wire):
                wire[at] = chance.randrange(256)
            case 4:
                wire[at:at] = wire[at : at + chance.randrange(1, 500)]
            case _:
                other = chance.randrange(len(wire) + 1)
                wire[at:at] = wire[other : other + 100]
    return bytes(wire)


def sources() -> Iterator[Path]:
    yield from MAILS
    yield from sorted(SHARED.glob("*/*.eml"))


@pytest.mark.parametrize(
    "rounds", [3, pytest.param(150, marks=[pytest.mark.fuzz, pytest.mark.slow])]
)
@pytest.mark.timeout(600)
def test_mutated_mails_have_an_answer(rounds: int) -> None:
    seed = int(os.environ.get("ANGARIUM_FUZZ_SEED") or random.randrange(2**32))
    chance = random.Random(seed)
    for path in sources():
        octets = path.read_bytes()
        for _ in range(rounds):
            wire = mutated(octets, chance)
            try:
                check(wire)
            except Exception as error:
                error.add_note(f"ANGARIUM_FUZZ_SEED={seed} {path.name} {wire!r:.2000}")
                raise


@given(st.binary(max_size=2000))
def test_any_octets_have_an_answer(octets: bytes) -> None:
    check(octets)
    check(HEADER + octets)
    check(AROUND["status"] + octets)


@given(st.text(max_size=1000))
def test_any_words_have_an_answer(text: str) -> None:
    check(AROUND["text"] + text.encode("utf-8", "replace"))


# Each takes milliseconds; what is not linear would take minutes
@pytest.mark.parametrize("place", AROUND)
def test_one_thing_a_million_times_has_an_answer(place: str) -> None:
    for each in REPEATED:
        check(AROUND[place] + each * (1_000_000 // len(each)))


@pytest.mark.parametrize(
    "octets",
    [
        b"".join(
            b"Content-Type: multipart/a; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(999)
        ),
        b"Content-Type: multipart/a; boundary=b\n\n--b\n" * 20_000,
        b"Content-Type: multipart/a; boundary=b\n\n"
        + b"--b\nContent-Type: message/rfc822\n\n" * 30_000,
        b"Content-Type: multipart/a; boundary=b\n\n--b\nContent-Type: multipart/a; boundary=bb\n\n--bb\n"
        * 9000,
        b"Content-Type: multipart/a\n\n" + b"--x\nA: b\n\n" * 90_000,
        b"A: b\n" * 300_000,
        b"A" * 100 + b": b\n" * 300_000,
        b"Content-Type: a/b" + b"; n*%d*=x" % 1 * 9000 + b"\n\n",
    ],
    ids=["deep", "same", "messages", "prefix", "guessed", "fields", "no-fields", "continued"],
)
def test_structures_that_explode_have_an_answer(octets: bytes) -> None:
    check(octets)
