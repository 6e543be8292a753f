"""Postfix on either side of us: as the MX that our mail reaches, and as the client that submits to us."""

import datetime
import email
import email.policy
import os
import smtplib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import dkim
import pytest

from angarium.dkim.keygen import record_text
from angarium.dkim.keys import load_private_key
from angarium.simulator.tls import TestAuthority
from tests.e2e.conftest import StartProduct
from tests.e2e.nameserver import NSD, Nameserver
from tests.e2e.postfix import MAY_RUN, WHY_NOT, Postfix
from tests.e2e.product import RawClient, message, stuffed, token
from tests.e2e.recording_sink import RecordingSink
from tests.swaks import SWAKS, needs_swaks, needs_swaks_with_tls

pytestmark = [
    pytest.mark.interop,
    pytest.mark.slow,
    pytest.mark.skipif(not MAY_RUN, reason=WHY_NOT),
]
LOGINS = """
[[listener]]
kind = "submission"
address = "127.0.0.1:0"
tls = "starttls"
certificate = "{certificate}"
private_key = "{key}"

[[listener]]
kind = "submission"
address = "127.0.0.1:0"
tls = "implicit"
certificate = "{certificate}"
private_key = "{key}"
"""
USER = ("app", "correct horse 1!", "@example.org")


@pytest.fixture
def postfix() -> Iterator[Postfix]:
    with Postfix() as running:
        yield running


def content_behind_our_trace(stored: bytes) -> bytes:
    """Return a stored mail in wire form, from behind our DKIM-Signature and Received fields."""
    wire = stored.replace(b"\n", b"\r\n")
    at = wire.index(b"by mx1.example.com")
    ends = [wire.index(b"\r\n", at)]
    while wire[ends[-1] + 2 : ends[-1] + 3] in (b" ", b"\t"):
        ends.append(wire.index(b"\r\n", ends[-1] + 2))
    return wire[ends[-1] + 2 :]


def keys(folder: Path, product_config: Path | None = None) -> str:
    """Make an RSA and an Ed25519 key by the command itself; return the table that names them."""
    rows = []
    for kind in ("rsa", "ed25519"):
        out = folder / f"{kind}.pem"
        subprocess.run(
            [
                *("bin/postmaster", "dkim", "keygen", "--domain", "example.org"),
                *("--selector", kind, "--type", kind, "--out", str(out)),
            ],
            check=True,
            capture_output=True,
            cwd=Path(__file__).parents[2],
        )
        rows.append(f'{{ domain = "example.org", selector = "{kind}", file = "{out}" }}')
    return f"[dkim]\nkeys = [{', '.join(rows)}]\n"


def assert_signed(mail: bytes, folder: Path) -> None:
    """Each of the two signatures verifies by dkimpy."""
    records = {
        f"{kind}._domainkey.example.org.": record_text(
            load_private_key(folder / f"{kind}.pem").public_key()
        ).encode()
        for kind in ("rsa", "ed25519")
    }
    wire = mail.replace(b"\n", b"\r\n")
    verifier = dkim.DKIM(wire)
    for index in range(2):
        assert verifier.verify(
            index,
            dnsfunc=lambda name, timeout=5: records[
                name.decode() if isinstance(name, bytes) else name
            ],
        )


@needs_swaks
def test_swaks_reaches_postfix_with_the_content_intact_and_two_valid_signatures(
    start_product: StartProduct, postfix: Postfix, tmp_path: Path
) -> None:
    product = start_product(sink=postfix.port, more=keys(tmp_path))
    mark = token()
    body = f"{mark}\n.\n..dots\n.. two\n\ttab  and   runs \nlast line \n\n"
    swaks(
        product.smtp[0], "--from", "a@example.org", "--to", "b@example.net,c@example.net",
        "--header", "Bcc: secret@example.net", "--header", "X-Odd:   three  blanks ", "--body", body,
    )  # fmt: skip
    for mail in postfix.wait_for(mark, 1):
        assert mail.count(b"by mx1.example.com") == 1
        assert b"secret@" not in mail.lower()
        assert b"\nBcc" not in mail
        wire = content_behind_our_trace(mail)  # swaks itself adds line ends
        assert wire.rstrip().endswith(body.replace("\n", "\r\n").encode().rstrip())
        assert b"X-Odd:   three  blanks" in mail
        assert_signed(mail[mail.index(b"DKIM-Signature") :], tmp_path)


def swaks(port: int, *words: str, code: int = 0) -> str:
    assert SWAKS is not None
    done = subprocess.run(
        [SWAKS, "--server", f"127.0.0.1:{port}", "--timeout", "20", *words],
        capture_output=True,
        timeout=40,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout.decode(errors="replace")


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_content_behind_our_trace_is_byte_identical(
    start_product: StartProduct, postfix: Postfix, size: int
) -> None:
    product = start_product(sink=postfix.port)
    mark = token()
    head = message(mark, b"", Date="Sun, 22 Nov 2026 04:00:00 +0000")[:-2]
    head += b"Message-ID: <1@example.org>\r\nX-Blanks: \t two \r\n\tfolded  \r\n\r\n"
    content = head + (
        b".\r\n..x\r\n caf\xc3\xa9 \xff \t\r\n" * (size // 16 + 1) + b"\r\n\r\n" if size else b""
    )
    with RawClient(product.smtp[0]) as client:
        client.say(b"EHLO c.example.org\r\n")
        client.say(b"MAIL FROM:<a@example.org> BODY=8BITMIME\r\n")
        client.say(b"RCPT TO:<b@example.net>\r\n")
        client.say(b"DATA\r\n")
        assert client.say(stuffed(content)).startswith(b"250")
    (mail,) = postfix.wait_for(mark)
    assert content_behind_our_trace(mail) == content


@needs_swaks_with_tls
def test_swaks_logs_in_by_plain_and_login_over_starttls_and_implicit_tls(
    start_product: StartProduct, postfix: Postfix, tmp_path: Path
) -> None:
    authority = TestAuthority(tmp_path, datetime.datetime.now(datetime.UTC))
    certificate, key = authority.issue("mx1.example.com")
    product = start_product(
        listeners=LOGINS.format(certificate=certificate, key=key),
        sink=postfix.port,
        users=(USER,),
    )
    to = ("--from", "a@example.org", "--to", "b@example.net")
    trust = ("--tls-ca-path", str(authority.ca_file), "--tls-verify")
    for port, way in ((product.smtp[0], "--tls"), (product.smtp[1], "--tls-on-connect")):
        for mechanism in ("PLAIN", "LOGIN"):
            login = ("--auth", mechanism, "--auth-user", USER[0], "--auth-password")
            mark = token()
            swaks(port, *to, way, *trust, *login, USER[1], "--body", mark)
            (mail,) = postfix.wait_for(mark)
            assert b"with ESMTPSA" in mail
            swaks(port, *to, way, *trust, *login, "wrong", code=28)
        swaks(port, *to, way, *trust, code=23)  # 530: not logged in
        foreign = ("--auth-user", USER[0], "--auth-password", USER[1])
        swaks(port, "--from", "x@other.example", "--to", "b@example.net", way, *foreign, code=23)
        spoofed = ("--header", "From: boss@other.example")
        swaks(port, *to, way, *foreign, *spoofed, code=26)
    swaks(
        product.smtp[0], *to, "--auth", "--auth-user", USER[0], "--auth-password", USER[1], code=28
    )


@pytest.mark.skipif(NSD is None, reason="nsd is not installed (apt install nsd)")
def test_the_mx_of_a_real_nameserver_is_where_mail_goes(
    start_product: StartProduct, postfix: Postfix, tmp_path: Path
) -> None:
    zone = (
        "@ MX 10 down\n@ MX 20 mx\ndown A 127.0.0.9\nmx A 127.0.0.1\n"
        "implicit A 127.0.0.1\nnull MX 0 .\n"
    )
    with Nameserver(tmp_path, "example.net", zone) as nameserver:
        product = start_product(
            delivery=f"port = {postfix.port}\nallow_private = true\n",
            more=f'[dns]\nnameservers = ["127.0.0.1:{nameserver.port}"]\n',
        )
        mark = token()
        with smtplib.SMTP("127.0.0.1", product.smtp[0]) as client:
            client.sendmail("", ["b@example.net"], message(mark))
            client.sendmail("", ["b@null.example.net"], message("null"))
            client.sendmail("", ["b@nowhere.example.net"], message("nowhere"))
        postfix.wait_for(mark)
        assert (
            product.wait_for_disposition(recipient="b@null.example.net", event="bounced")[
                "enhanced"
            ]
            == "5.1.10"
        )
        gone = product.wait_for_disposition(recipient="b@nowhere.example.net", event="bounced")
        assert gone["enhanced"] in ("5.1.2", "5.4.4")


def test_a_refused_recipient_comes_back_as_a_dsn_that_parses(
    start_product: StartProduct, postfix: Postfix
) -> None:
    product = start_product(sink=postfix.port)
    mark = token()
    with smtplib.SMTP("127.0.0.1", product.smtp[0]) as client:
        client.sendmail(
            "a@example.org",
            ["b@example.net", "gone@example.net"],
            message(mark),
            mail_options=["ENVID=envelope+2B1", "RET=HDRS"],
            rcpt_options=["NOTIFY=FAILURE", "ORCPT=rfc822;orig+40example.net"],
        )
    deadline = time.monotonic() + 20
    dsns: list[bytes] = []
    while not dsns:
        assert time.monotonic() < deadline, postfix.log()[-2000:]
        dsns = [each for each in postfix.mails() if b"multipart/report" in each]
    parsed = email.message_from_bytes(dsns[0], policy=email.policy.default)
    assert parsed["Return-Path"] == "<>"
    assert parsed["Auto-Submitted"].startswith("auto-replied")
    assert parsed.get_content_type() == "multipart/report"
    assert not parsed.defects
    human, status, returned = parsed.iter_parts()
    assert "gone@example.net" in human.get_content()
    groups = status.get_payload()
    assert groups[0]["Original-Envelope-Id"] == "envelope+1"
    assert groups[0]["Reporting-MTA"] == "dns; mx1.example.com"
    assert groups[1]["Original-Recipient"] == "rfc822;orig@example.net"
    assert groups[1]["Final-Recipient"] == "rfc822; gone@example.net"
    assert groups[1]["Action"] == "failed"
    assert groups[1]["Status"] == "5.1.1"
    assert "No such mailbox" in groups[1]["Diagnostic-Code"]
    assert mark in returned.as_string()
    assert len(postfix.wait_for(mark, 2)) == 2  # the copy for b, and what the DSN returns


def test_postfix_submits_to_us_what_it_was_given(start_product: StartProduct) -> None:
    """PIPELINING, DSN parameters, SMTPUTF8, eight bits and 20 recipients, through Postfix's own client."""
    with RecordingSink() as sink:
        product = start_product(sink=sink.port)
        with Postfix(relay_port=product.smtp[0]) as postfix:
            many, utf8 = token(), token()
            rcpts = [f"r{n}@remote.example" for n in range(20)]
            with smtplib.SMTP("127.0.0.1", postfix.port) as client:
                client.sendmail(
                    "a@example.org", rcpts, message(many, b"caf\xc3\xa9 \xff\r\n.\r\n" * 300),
                    mail_options=["BODY=8BITMIME", "RET=FULL", "ENVID=e1"],
                    rcpt_options=["NOTIFY=SUCCESS,FAILURE"],
                )  # fmt: skip
                client.sendmail(
                    "jürgen@example.org", ["пример@remote.example"],
                    message(utf8, b"x\r\n", To="пример@remote.example"),
                    mail_options=["SMTPUTF8", "BODY=8BITMIME"],
                )  # fmt: skip
            first = sink.wait_for_token(many)
            assert first.content.endswith(b"caf\xc3\xa9 \xff\r\n.\r\n" * 300)
            assert b"BODY=8BITMIME" in first.mail
            assert b"ENVID=e1" in first.mail
            got = [
                rcpt for each in sink.taken if many.encode() in each.content for rcpt in each.rcpts
            ]
            assert sorted(rcpt.split(b">")[0][9:].decode() for rcpt in got) == sorted(rcpts)
            assert all(b"NOTIFY=SUCCESS,FAILURE" in rcpt for rcpt in got)
            second = sink.wait_for_token(utf8)
            assert "jürgen@example.org".encode() in second.mail
            assert b"SMTPUTF8" in second.mail
            assert "To: пример@remote.example".encode() in second.content
            assert "status=sent" in postfix.log()
        del product
