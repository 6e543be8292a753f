"""A running server tells its operators and tenants of their mail: docs/insights.md."""

import email
import email.policy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_a_day_is_told_by_mail_and_what_is_different_to_who_asks(tmp_path: Path) -> None:
    a_while_ago = datetime.now(UTC) - timedelta(minutes=5)
    wish = f'\n[[summary]]\nname = "ops"\nto = ["ops@example.net"]\nempty = true\nat = "{a_while_ago:%H:%M}"\n'
    with RecordingSink() as sink:
        product = Product(tmp_path, sink=sink.port, more=wish)
        try:
            wait_until(lambda: len(sink.taken) == 1)
            (taken,) = sink.taken
            assert b"<ops@example.net>" in taken.rcpts[0]
            assert b"FROM:<>" in taken.mail
            letter = email.message_from_bytes(taken.content, policy=email.policy.default)
            day = (a_while_ago.date() - timedelta(days=1)).isoformat()
            assert letter["Subject"] == f"Mail on {day}"
            made = product.postmaster("key", "create", "--scopes", "stats,emails", "--json")
            client = ApiClient(product.http, json.loads(made)["key"])
            today = datetime.now(UTC).date().isoformat()
            assert client.right("GET", f"/v1/insights?day={today}") == {
                "day": today,
                "insights": [],
            }
            assert client.right("GET", "/v1/readers") == {"readers": [], "cursor": None}
            assert client.ask("GET", "/v1/insights?day=soon").fault == (
                400,
                "VALIDATION_ERROR",
                "day",
            )
            told = json.loads(product.postmaster("report", "insights", "--json"))
            assert told["insights"] == []
            product.assert_clean()
        finally:
            product.kill()
