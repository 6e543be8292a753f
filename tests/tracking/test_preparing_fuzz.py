"""Whatever octets are prepared: nothing is raised, the result is a message, and it takes no longer than its length."""

import random
import time

import pytest

from angarium.tracking.preparing import Prepared, prepare
from angarium.tracking.slots import filled, plain
from tests.tracking.mail import ALL, LEAVE, WHO, mint

SEED = 20_241
PIECES = (
    *(b"Content-Type: text/html", b"Content-Type: multipart/mixed; boundary=b", b"; charset=utf-8"),
    *(b"Content-Transfer-Encoding: quoted-printable", b"Content-Transfer-Encoding: base64", b":"),
    *(b"MIME-Version: 1.0", b"; charset=shift_jis", b"List-Unsubscribe: <https://x.example/l>"),
    *(
        b"\r\n",
        b"\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\r\n--b\r\n",
        b"\r\n--b--",
        b"\n",
        b"\r",
        b"\0",
        b".",
    ),
    *(b'<a href="https://x.example/?a&amp;b">', b"<a href=https://y.example/>", b"</a>", b"<p "),
    *(
        b"<!--[if mso]>",
        b"<![endif]-->",
        b"<style>",
        b"</body>",
        b'"',
        b"'",
        b"<",
        b">",
        b"=",
        b"=3D",
    ),
    *(b"=\r\n", b"{{unsubscribe_url}}", b"[unsubscribe]", b"https://x.example/a.", b"unsubscribe"),
    *(b"\xff", b"\x1b$B", b"\xc3\xa4", b"x" * 100, b"&#"),
)


def random_content(draw: random.Random) -> bytes:
    start = b"From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    if draw.random() < 0.3:
        start = b""
    if draw.random() < 0.1:
        return start + draw.randbytes(draw.randrange(400))
    return start + b"".join(draw.choices(PIECES, k=draw.randrange(60)))


@pytest.mark.parametrize(
    "rounds", [400, pytest.param(60_000, marks=[pytest.mark.fuzz, pytest.mark.slow])]
)
def test_no_octets_break_it(rounds: int) -> None:
    for number in range(rounds):
        content = random_content(random.Random(f"{SEED} {number}"))
        at = content.find(b"\r\n\r\n")
        header_octets = len(content) if at < 0 else at + 4
        result = prepare(content, header_octets, ALL, mint)
        if not isinstance(result, Prepared):
            continue
        assert len(result.content) < 100_000, number
        for each in (
            filled(result.content, result.header_octets, who=WHO, leave=LEAVE),
            plain(result.content, result.header_octets),
        ):
            assert each[: result.header_octets] == result.content[: result.header_octets], number
            assert b"\n." not in each or b"\n." in content, number


PART = b"From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: text/%b; charset=utf-8\r\n\r\n"


@pytest.mark.parametrize(
    "piece",
    [
        *(b"<a href=", b'<a href="https://x.example/">', b"<!--[if mso]>", b"<!--[if mso]><![endif]-->", b"<a "),
        b"&amp;",
        *(b"https://x.example/", b"(https://x.example/)))", b"https://x.example/....", b"\r\n.\r\n"),
        b"{{unsubscribe_url}}",
        *(b"unsubscribe ", b"\n", b".", b"<a href='https://x.example/&", b"https://", b"<a href=https://x.example/\xff>"),
    ],
    ids=range(17),
)  # fmt: skip
@pytest.mark.parametrize("kind", [b"html", b"plain"])
def test_a_megabyte_of_one_thing_takes_its_length_c4(kind: bytes, piece: bytes) -> None:
    header = PART % kind
    content = header + piece * (1_000_000 // len(piece))
    began = time.process_time()
    result = prepare(content, len(header), ALL, mint)
    if isinstance(result, Prepared):
        plain(result.content, result.header_octets)
    assert time.process_time() - began < 20
