"""What holds mail back, as each command tells it: a warm-up whose hour is used up, and a rule that is in force."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from angarium.simulator.scenario import Host, SimulatedProvider
from tests.e2e.product import Product, good_session, message
from tests.e2e.test_rules import Strict, closed, provider, running
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

SOURCES = """
[[source]]
name = "warm"
address = "127.0.0.1"

[[source]]
name = "cold"
address = "127.0.0.2"

[[pool]]
name = "default"
sources = [{ name = "warm" }]

[[pool]]
name = "new"
sources = [{ name = "cold" }]

[[stream]]
name = "bulk"
pool = "new"

[[warmup]]
source = "cold"
messages_per_hour = [5, 10, 20]
"""
GMAIL = SimulatedProvider(
    name="gmail",
    domains=("gmail.example",),
    hosts=(Host(name="mx1.smtp.google.com"),),
    style="gmail",
)
BULK = message(**{"X-Angarium-Stream": "bulk"})
SUSPENDED = "the rule yahoo-ts04 suspends source warm at yahoo: 421 4.7.0 [TSS04]"


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """12 messages to Gmail by the new source, of which 5 an hour may go; 3 to Yahoo, which takes one."""
    yahoo = provider("yahoo", "am0.yahoodns.net", closed(1))
    with Strict(GMAIL, yahoo) as world, running(tmp_path, world, SOURCES) as product:
        for number in range(12):
            good_session(product.smtp[0], f"g{number}@gmail.example", BULK)
        for number in range(3):
            good_session(product.smtp[0], f"y{number}@yahoo.example")
        wait_until(lambda: world.accepted("gmail") >= 5 and world.accepted("yahoo") == 1, 60)
        product.wait_for_disposition(60, event="rule_in_force")
        wait_until(lambda: "allows 5 an hour" in explained(product, "gmail"), 60)
        yield product


def asked(product: Product, *command: str) -> Any:
    return json.loads(product.postmaster(*command, "--json"))


def explained(product: Product, provider: str) -> str:
    waiting = [each["id"] for each in product.queued() if f"@{provider}." in each["recipient"]]
    return product.postmaster("queue", "explain", waiting[-1])


def test_every_command_says_what_holds_mail_back(product: Product) -> None:
    """One running server for all: each command is asked as an operator would."""
    # The message's own view
    text = explained(product, "gmail")
    assert "the warm-up of cold allows 5 an hour at gmail (day 0)" in text
    assert "by pool new;" in text  # of its stream
    assert "waits by policy at source cold until" in text
    wait_until(lambda: SUSPENDED in explained(product, "yahoo"), 60)

    # What is in force
    (rule,) = asked(product, "rules", "list")["rules"]
    assert (rule["rule"], rule["scope"]) == ("yahoo-ts04", "source warm at yahoo")
    listed = product.postmaster("rules", "list")
    assert "yahoo-ts04: suspends source warm at yahoo, in force for" in listed
    assert "[TSS04]" in listed
    (warmup,) = asked(product, "warmup", "show")["warmups"]
    assert (warmup["source"], warmup["provider"], warmup["day"]) == ("cold", "gmail", 0)
    assert warmup["hour_used"] <= warmup["hour_limit"] == 5
    shown = product.postmaster("warmup", "show")
    assert "cold at gmail: day 0 of 3," in shown
    assert "of 5 used this hour" in shown
    assert "queued: done in" in shown

    # What they said
    assert "[TSS04]" in product.postmaster("log", "--provider", "yahoo", "--event", "deferred")
    in_force = product.postmaster("log", "--event", "rule_in_force", "--since", "1h")
    assert "yahoo-ts04" in in_force

    # Where it goes, and how long it takes
    top = asked(product, "top", "--once")
    by_name = {each["provider"]: each for each in top["providers"]}
    (cold,) = by_name["gmail"]["sources"]
    assert cold["source"] == "cold"
    assert by_name["yahoo"]["sources"][0]["source"] == "warm"
    table = product.postmaster("top", "--once")
    assert "warm-up cold: 5 an hour" in table
    assert "rule yahoo-ts04" in table
    one = product.postmaster("providers", "gmail")
    assert "warm-up cold: 5 an hour on day 0 of 3" in one
    assert "the warm-up of cold allows 5 an hour" in one
    sources = product.postmaster("sources")
    assert "127.0.0.2" in sources
    assert "pools new" in sources
    found = {each["provider"]: each for each in asked(product, "forecast")["providers"]}
    assert found["gmail"]["bottleneck"] == "warm_up"
    assert found["yahoo"]["bottleneck"] == "suspension"
    assert "the warm-up's allowance" in product.postmaster("forecast")
    # Idle ones are closed after a while: what waits for a time holds none
    wait_until(lambda: "no connections" in product.postmaster("connections", "list"), 60)
