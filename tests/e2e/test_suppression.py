"""Suppression in the running product: a host refuses an address, nothing more is sent to it, an operator lifts it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.product import Product, good_session
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

GONE = b"RCPT TO:<gone@two.example>"


@pytest.mark.parametrize("single", [True, False])
def test_an_address_that_a_host_refuses_gets_nothing_more(tmp_path: Path, single: bool) -> None:
    replies = {GONE: b"550 5.1.1 User unknown\r\n"}
    with RecordingSink(replies=replies) as sink:
        product = Product(tmp_path, sink=sink.port, single=single)

        def ask(*arguments: str, code: int = 0) -> Any:
            return json.loads(product.postmaster("suppress", *arguments, "--json", code=code))

        def asked() -> int:
            return sum(each.startswith(GONE) for each in sink.commands)

        try:
            good_session(product.smtp[0], "gone@two.example")
            added = product.wait_for_disposition(60, event="suppression_added")
            assert (added["recipient"], added["cause"]) == ("gone@two.example", "user_unknown")
            (row,) = ask("list")["suppressions"]
            assert (row["email"], row["scope"]) == ("gone@two.example", "all")
            assert row["expires_at"] is None
            assert "550 5.1.1 User unknown" in row["evidence"]
            before = asked()

            good_session(product.smtp[0], "Gone@TWO.example")
            ended = product.wait_for_disposition(60, event="recipient_suppressed")
            assert (ended["cause"], ended["scope"]) == ("user_unknown", "all")
            assert asked() == before == 1
            assert sum(b"Gone@TWO" in each for each in sink.commands) == 0
            wait_until(
                lambda: any(b"address is suppressed" in each.content for each in sink.taken), 60
            )

            assert ask("remove", "gone@two.example", "--why", "back again")["missing"] == []
            removed = product.wait_for_disposition(60, event="suppression_removed")
            assert removed["reason"] == "back again"
            sink.replies.clear()
            good_session(product.smtp[0], "gone@two.example")
            wait_until(lambda: any(GONE in each.rcpts[0] for each in sink.taken), 60)

            file = tmp_path / "in.csv"
            file.write_text("email\n" + "".join(f"u{n}@three.example\n" for n in range(3000)))
            assert ask("import", str(file))["added"] == 3000
            assert ask("show", "u2999@three.example")["suppressions"][0]["reason"] == "import"
            assert len(ask("list", "--limit", "5000")["suppressions"]) == 3000
            metrics = product.get("/metrics").decode()
            assert 'angarium_suppressed_recipients_total{reason="user_unknown"} 1.0' in metrics
            wait_until(
                lambda: "angarium_suppressions 3000.0" in product.get("/metrics").decode(), 60
            )
            ask("show", "gone@two.example", code=66)
            product.assert_clean()
        finally:
            product.kill()


def test_a_host_that_refuses_us_suppresses_nobody(tmp_path: Path) -> None:
    """Neither does what an operator returns; a code for good is about the sender, or about us."""
    replies = {
        b"MAIL FROM": b"550 5.1.1 User unknown\r\n",
        b"RCPT TO:<rate@": b"550 5.7.1 too many messages from your network, rate limited\r\n",
    }
    with RecordingSink(replies=replies) as sink:
        product = Product(tmp_path, sink=sink.port)
        try:
            good_session(product.smtp[0], "one@two.example")
            product.wait_for_disposition(60, event="bounced", recipient="one@two.example")
            del sink.replies[b"MAIL FROM"]
            good_session(product.smtp[0], "rate@two.example")
            product.wait_for_disposition(60, event="bounced", recipient="rate@two.example")
            sink.replies[b"RCPT TO:<late@"] = b"451 4.2.0 later\r\n"
            good_session(product.smtp[0], "late@two.example")
            product.wait_for_disposition(60, event="deferred", recipient="late@two.example")
            wait_until(
                lambda: (
                    product.postmaster(
                        "queue", "bounce", "--recipient", "late@two.example", code=None
                    )
                    and any(
                        each["event"] == "bounced" and each["recipient"] == "late@two.example"
                        for each in product.mail_log()
                    )
                ),
                60,
            )
            # One that is: by then the follower has seen the others
            sink.replies[GONE] = b"550 5.1.1 User unknown\r\n"
            good_session(product.smtp[0], "gone@two.example")
            product.wait_for_disposition(60, event="suppression_added")
            rows = json.loads(product.postmaster("suppress", "list", "--json"))["suppressions"]
            assert [each["email"] for each in rows] == ["gone@two.example"]
        finally:
            product.kill()
