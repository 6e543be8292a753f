"""Operators' standing holds are rules like others: listed with who and why, shown in `top`, undone by name."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.product import Product, good_session
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


def ask(product: Product, *arguments: str) -> Any:
    return json.loads(product.postmaster(*arguments, "--json"))


def test_a_hold_by_provider_binds_what_goes_by_a_smart_host_and_ends_by_name(
    tmp_path: Path,
) -> None:
    with RecordingSink() as sink:
        product = Product(tmp_path, sink=sink.port, single=False)
        try:
            name = f"smtp://127.0.0.1:{sink.port}"  # where it goes, not whose mailbox it is for
            product.postmaster(
                *("queue", "hold", "--rule", "--provider", name, "--reason", "they are ill")
            )
            product.postmaster(
                *("queue", "hold", "--rule", "--sender", "@spam.example", "--until", "2h")
            )
            good_session(product.smtp[0], "later@example.org")
            wait_until(lambda: [each["state"] for each in product.queued()] == ["held"], 60)
            sender, provider = ask(product, "rules", "list")["rules"]
            assert (provider["rule"], provider["action"]) == ("hold-1", "hold")
            assert (provider["scope"], provider["reply"]) == (f"provider {name}", "they are ill")
            assert provider["who"]
            assert provider["until"] is None
            assert (sender["rule"], sender["scope"]) == ("hold-2", "sender @spam.example")
            assert sender["until"] is not None
            text = product.postmaster("rules", "list")
            assert f"hold-1: holds provider {name}, in force for" in text
            assert f"by {provider['who']}: they are ill" in text

            def shown() -> Any:
                found = ask(product, "top", "--once")["providers"]
                return next((each for each in found if each["provider"] == name), None)

            wait_until(lambda: shown() is not None and shown()["held"] == 1, 60)
            assert [each["name"] for each in shown()["holds"]] == ["hold-1"]
            everything = ask(product, "top", "--once")["holds"]
            assert [(each["name"], each["scope"]) for each in everything] == [
                ("hold-1", ""),
                ("hold-2", "sender @spam.example"),
            ]
            table = product.postmaster("top", "--once")
            assert "hold hold-1: held by" in table
            assert "hold hold-2 (sender @spam.example): held by" in table
            wait_until(
                lambda: (
                    b'angarium_restrictions_in_force{kind="hold"} 2.0' in product.get("/metrics")
                ),
                60,
            )
            product.postmaster("rules", "undo", "hold-1", "provider another", code=66)
            undone = ask(product, "rules", "undo", "hold-1", "--reason", "they are well")["undone"]
            assert [each["rule"] for each in undone] == ["hold-1"]
            sink.wait_for(1, timeout=60)
            released = product.wait_for_disposition(60, event="hold_rule_removed")
            assert released["reason"] == "they are well"
            assert [each["rule"] for each in ask(product, "rules", "list")["rules"]] == ["hold-2"]
            product.postmaster("rules", "undo", "hold-1", code=66)
            product.assert_clean()
        finally:
            product.kill()
