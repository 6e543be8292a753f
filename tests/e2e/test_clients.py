"""Clients of others' making submit to us: smtplib, aiosmtplib, and Postfix's load generator."""

import re
import smtplib
import subprocess
from collections import Counter

import aiosmtplib
import pytest

from tests.e2e.conftest import StartProduct
from tests.e2e.postfix import SMTP_SOURCE
from tests.e2e.product import RawClient, message, token
from tests.e2e.recording_sink import RecordingSink, wait_until


def test_smtplib_learns_which_recipients_were_refused(start_product: StartProduct) -> None:
    with RecordingSink() as sink:
        product = start_product(sink=sink.port)
        mark = token()
        to = ["b@example.net", "user%host@example.net", "c@example.net", "@bad", "d@-x.example"]
        with smtplib.SMTP("127.0.0.1", product.smtp[0]) as client:
            refused = client.sendmail("a@example.org", to, message(mark))
        assert set(refused) == {"user%host@example.net", "@bad", "d@-x.example"}
        assert all(500 <= code < 600 for code, _ in refused.values())
        taken = sink.wait_for_token(mark)
        assert len(taken.rcpts) == 2


async def test_aiosmtplib_sends_one_message_behind_another_on_one_connection(
    start_product: StartProduct,
) -> None:
    with RecordingSink(replies={b"RCPT TO:<gone@": b"550 5.1.1 No such mailbox"}) as sink:
        product = start_product(sink=sink.port)
        marks = [token() for _ in range(20)]
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=product.smtp[0]) as client:
            for mark in marks:
                refused, reply = await client.sendmail(
                    "a@example.org", ["b@example.net", "gone@example.net"], message(mark)
                )
                assert not refused
                assert "queued as" in reply
            with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
                await client.sendmail("a@example.org", ["x@@y"], message(token()))
            await client.sendmail("a@example.org", ["b@example.net"], message(marks[0] + "again"))
        for mark in marks:
            assert sink.wait_for_token(mark)
        sink.wait_for_token(marks[0] + "again")


def test_what_cron_and_a_printer_send_arrives_mended_and_the_log_says_how(
    start_product: StartProduct,
) -> None:
    with RecordingSink() as sink:
        product = start_product(sink=sink.port)
        mark = token()
        cron = f"From: root (Cron Daemon)\nTo: root\nSubject: {mark}\nläuft: täglich\n\r\n.\r\n".encode()
        with RawClient(product.smtp[0]) as client:
            assert client.say(b"EHLO MFP#01 (2. OG)\r\n").startswith(b"250")
            assert client.say(b"MAIL FROM:\t<root@web_1.example>\r\n").startswith(b"250")
            assert client.say(b"RCPT TO: admin@example.net.\r\n").startswith(b"250")
            assert client.say(b"DATA\r\n").startswith(b"354")
            # A word and a colon: in doubt
            assert client.say(cron).startswith(b"550 5.6.0 Line 4 of the header")
            client.say(b"MAIL FROM:<root@web_1.example>\r\n")
            client.say(b"RCPT TO:<admin@example.net>\r\n")
            client.say(b"DATA\r\n")
            assert client.say(cron.replace("läuft:".encode(), "läuft".encode())).startswith(b"250")
        taken = sink.wait_for_token(mark)
        assert b"From: Cron Daemon <root@web_1.example>\r\n" in taken.content
        assert taken.content.endswith("\r\n\r\nläuft täglich\r\n\r\n".encode())
        assert taken.content.startswith(b"Received: from MFP?01??2.?OG? ([127.0.0.1])\r\n")
        accepted = product.wait_for_disposition(event="accepted")
        assert accepted["repairs"] == ["line_ends", "header_end", "comment_name", "bare_address"]
        wait_until(
            lambda: b'angarium_repairs_total{repair="header_end"} 1.0' in product.get("/metrics")
        )


def test_long_local_parts_go_out_and_come_back_whole(start_product: StartProduct) -> None:
    """SRS and VERP need more than the 64 octets that RFC 5321 section 4.5.3.1.1 asks for at least."""
    sender = "SRS0=h4sh=TT=example.com=" + "s" * 220 + "@example.org"
    gone = "list-" + "r" * 230 + "=example.com@example.net"
    with RecordingSink(replies={b"RCPT TO:<list-": b"550 5.1.1 No such mailbox"}) as sink:
        product = start_product(sink=sink.port)
        mark = token()
        with smtplib.SMTP("127.0.0.1", product.smtp[0]) as client:
            content = message(mark, From=sender)
            assert not client.sendmail(sender, [gone, "b@example.net"], content)
        taken = sink.wait_for_token(mark)
        assert taken.mail.startswith(b"MAIL FROM:<%b>" % sender.encode())

        def notice() -> bool:
            return any(each.rcpts[0].startswith(b"RCPT TO:<SRS0=") for each in sink.taken)

        wait_until(notice)
        (dsn,) = (each for each in sink.taken if each.rcpts[0].startswith(b"RCPT TO:<SRS0="))
        assert f"RCPT TO:<{sender}>".encode() in dsn.rcpts[0]
        assert f"Final-Recipient: rfc822; {gone}\r\n".encode() in dsn.content
        assert max(map(len, dsn.content.split(b"\r\n"))) <= 998


@pytest.mark.interop
@pytest.mark.slow
@pytest.mark.skipif(SMTP_SOURCE is None, reason="smtp-source is absent (apt install postfix)")
@pytest.mark.parametrize("size", [200, 4_096, 20_480, 400_000])
def test_each_message_of_smtp_source_arrives_exactly_once(
    start_product: StartProduct, size: int
) -> None:
    count = 500 if size < 100_000 else 60
    with RecordingSink() as sink:
        product = start_product(sink=sink.port, single=False)
        assert SMTP_SOURCE is not None
        done = subprocess.run(
            [
                *(SMTP_SOURCE, "-s", "20", "-m", str(count), "-l", str(size), "-N"),
                *("-f", "a@example.org", "-t", "b@example.net", f"127.0.0.1:{product.smtp[0]}"),
            ],
            capture_output=True,
            timeout=50,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        taken = sink.wait_for(count)
        ids = Counter(
            re.search(rb"\r\n\s+id ([0-9a-f-]{36})|id ([0-9a-f-]{36})", each.content)[0]  # type: ignore[index]
            for each in taken
        )
        assert len(ids) == count
        assert sum(len(each.rcpts) for each in taken) == count
        wait_until(lambda: not product.queued())
        assert len(sink.taken) == count
