"""Random sessions, mutated from valid ones by seed, against a live listener. ANGARIUM_FUZZ_SEED repeats one run."""

import contextlib
import os
import random
import socket
import time
from pathlib import Path

import pytest

from tests.e2e.product import REPLY_LINE, Product, good_session, message, stuffed
from tests.e2e.recording_sink import RecordingSink

LISTENERS = """
[[listener]]
kind = "submission"
address = "127.0.0.1:0"
auth = "trusted"
trusted_networks = ["127.0.0.0/8"]

[[listener]]
kind = "submission"
address = "127.0.0.1:0"
auth_without_tls = ["127.0.0.0/8"]
proxy_peers = ["127.0.0.8"]
"""
CONTENT = message("fuzz", b"line\r\n.\r\n" * 3)
VALID = [
    b"EHLO c.example.org\r\n", b"HELO c.example.org\r\n", b"MAIL FROM:<a@example.org>\r\n",
    b"MAIL FROM:<> SIZE=100 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2B\r\n", b"RCPT TO:<b@example.net>\r\n",
    b"RCPT TO:<c@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c@example.net\r\n", b"DATA\r\n", stuffed(CONTENT),
    b"BDAT %d LAST\r\n%b" % (len(CONTENT), CONTENT), b"BDAT 5\r\nFrom:", b"BDAT 0 LAST\r\n", b"RSET\r\n", b"NOOP\r\n",
    b"VRFY root\r\n", b"HELP\r\n", b"QUIT\r\n", b"STARTTLS\r\n", b"AUTH PLAIN AGFwcABwYXNz\r\n", b"AUTH LOGIN\r\n",
    b"YXBw\r\n", b"*\r\n", b"PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n", b".\r\n",
]  # fmt: skip
SPICE = [
    b"\0", b"\r", b"\n", b"\r\n.\r\n", b"\n.\n", b"\xff", b"\xc3\xa4", b"<", b">", b"@", b":", b"%", b'"', b"\\",
    b"A" * 3000,    b" ", b"\t", b"BDAT 4294967296\r\n", b"[", b"(", b"+0D+0A", b"\r\n",
    b"x" * 70_000 + b"\r\n", b"DATA\r\n",
    b"\x16\x03\x01",
]  # fmt: skip


def mutated(chance: random.Random) -> list[bytes]:
    """Return what to send, cut where TCP might cut it."""
    script = [VALID[0], VALID[2], VALID[4]] if chance.random() < 0.7 else []
    script += [chance.choice(VALID) for _ in range(chance.randrange(1, 12))]
    wire = bytearray(b"".join(script))
    for _ in range(chance.choice((0, 1, 1, 2, 5))):
        at = chance.randrange(len(wire) + 1)
        match chance.randrange(5):
            case 0:
                wire[at:at] = chance.choice(SPICE)
            case 1:
                del wire[at : at + chance.randrange(1, 20)]
            case 2 if at < len(wire):
                wire[at] = chance.randrange(256)
            case 3:
                wire[at:at] = wire[at : at + 40]
            case _:
                other = chance.randrange(len(wire) + 1)
                wire[at : at + 10], wire[other : other + 10] = (
                    wire[other : other + 10],
                    wire[at : at + 10],
                )
    cuts = sorted(chance.randrange(len(wire) + 1) for _ in range(chance.choice((0, 1, 4, 30))))
    return [bytes(wire[a:b]) for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]


def play(port: int, chance: random.Random) -> bytes:
    """Send a session, mostly in step with the replies; return all that was answered."""
    answered = b""
    source = "127.0.0.8" if chance.random() < 0.1 else "127.0.0.1"
    with (
        socket.create_connection(("127.0.0.1", port), 5, source_address=(source, 0)) as peer,
        contextlib.suppress(OSError),
    ):
        peer.settimeout(0.02)
        for part in mutated(chance):
            peer.sendall(part)
            if chance.random() < 0.5:
                with contextlib.suppress(TimeoutError):
                    answered += peer.recv(65536)
        if chance.random() < 0.8:
            peer.shutdown(socket.SHUT_WR)
            peer.settimeout(10)
            while octets := peer.recv(65536):
                answered += octets
    return answered


@pytest.mark.parametrize(
    "seconds", [3, pytest.param(40, marks=[pytest.mark.fuzz, pytest.mark.slow])]
)
def test_no_mutated_session_brings_the_server_out_of_step(tmp_path: Path, seconds: float) -> None:
    seed = int(os.environ.get("ANGARIUM_FUZZ_SEED", random.randrange(2**32)))
    print(f"ANGARIUM_FUZZ_SEED={seed}")
    chance = random.Random(seed)
    with RecordingSink() as sink:
        product = Product(
            tmp_path, listeners=LISTENERS, sink=sink.port, users=(("app", "a pass word", "*"),)
        )
        try:
            good_session(product.smtp[0])
            before, sessions = product.resident_kb(), 0
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                answered = play(product.smtp[chance.randrange(2)], chance)
                for line in answered.splitlines(keepends=True):
                    assert REPLY_LINE.fullmatch(line), (seed, sessions, line)
                sessions += 1
                if sessions % 50 == 0:
                    good_session(product.smtp[0])
                    product.assert_clean()
            sink.wait_for_token(good_session(product.smtp[0]))
            product.assert_clean()
            assert sessions > 20
            assert product.resident_kb() < before + 60_000, "memory grows"
            for taken in sink.taken:
                lone = taken.wire.replace(b"\r\n", b"")
                assert b"\r" not in lone, seed
                assert b"\n" not in lone, seed
        finally:
            product.kill()
