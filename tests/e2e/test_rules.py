"""Rules of what providers say, in the running product: they throttle, a rule comes into force, is seen, and ends."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from angarium.simulator.internet import Internet
from angarium.simulator.scenario import (
    Behaviour,
    Host,
    Scenario,
    SimulatedProvider,
    StyleName,
    Throttle,
)
from tests.e2e.product import Product, good_session
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


def provider(style: StyleName, suffix: str, throttle: Throttle) -> SimulatedProvider:
    return SimulatedProvider(
        name=style,
        domains=(f"{style}.example",),
        hosts=(Host(name=f"mx1.{suffix}"),),
        style=style,
        behaviour=Behaviour(throttle=throttle),
    )


# One message, and the next one a second later
STRICT = Throttle(messages_per_s=1.0, burst=1)


class Strict:
    """The small internet on a loop of its own."""

    def __init__(self, *providers: SimulatedProvider) -> None:
        self.net = Internet(Scenario(provider=providers, network="127.33.0.0"))
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self.net:
            self._ready.set()
            await self._stop.wait()

    def __enter__(self) -> "Strict":
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    def accepted(self, name: str) -> int:
        return self.net.mailboxes[name].statistics.accepted


@contextlib.contextmanager
def running(folder: Path, world: Strict, more: str) -> Iterator[Product]:
    dns = f'[dns]\nnameservers = ["{world.net.dns_address}"]\n'
    delivery = f"port = {world.net.smtp_port}\nallow_private = true\n"
    product = Product(folder, delivery=delivery, more=dns + more, single=True)
    try:
        yield product
        product.assert_clean()
    finally:
        product.kill()


def in_force(product: Product) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(product.postmaster("rules", "list", "--json"))["rules"]
    return found


def closed(burst: int) -> Throttle:
    """So many messages may come, and then none for the rest of the test."""
    return Throttle(messages_per_s=0.0, burst=burst)


def test_a_yahoo_that_throttles_suspends_the_source_and_an_undo_ends_it(tmp_path: Path) -> None:
    with (
        Strict(provider("yahoo", "am0.yahoodns.net", closed(1))) as world,
        running(tmp_path, world, "") as product,
    ):
        good_session(product.smtp[0], "one@yahoo.example")
        wait_until(lambda: world.accepted("yahoo") == 1, 60)
        good_session(product.smtp[0], "two@yahoo.example")
        began = product.wait_for_disposition(60, event="rule_in_force", provider="yahoo")
        assert (began["name"], began["action"]) == ("yahoo-ts04", "suspend")
        assert "[TSS04]" in began["reply"]
        (rule,) = in_force(product)
        assert (rule["rule"], rule["scope"]) == ("yahoo-ts04", "source default at yahoo")
        assert "[TSS04]" in rule["reply"]
        assert rule["until"] is not None
        # Waiting for it is no attempt, and explain says what it waits for
        attempts = len([each for each in product.mail_log() if each["event"] == "deferred"])
        mark = good_session(product.smtp[0], "three@yahoo.example")
        assert mark
        (third,) = [each for each in product.queued() if each["recipient"].startswith("three")]

        def explained() -> str:
            return product.postmaster("queue", "explain", third["id"])

        wait_until(
            lambda: "the rule yahoo-ts04 suspends source default at yahoo" in explained(), 60
        )
        assert "[TSS04]" in explained()
        text = product.postmaster("rules", "list")
        assert "yahoo-ts04: suspends source default at yahoo" in text
        deferred = [each for each in product.mail_log() if each["event"] == "deferred"]
        assert len(deferred) == attempts
        metrics = product.get("/metrics").decode()
        assert 'angarium_rules_in_force{rule="yahoo-ts04"} 1.0' in metrics
        undone = product.postmaster(
            "rules", "undo", "yahoo-ts04", rule["scope"], "--reason", "they said sorry", "--json"
        )
        assert [each["rule"] for each in json.loads(undone)["undone"]] == ["yahoo-ts04"]
        ended = product.wait_for_disposition(60, event="rule_ended")
        assert (ended["how"], ended["reason"]) == ("undone", "they said sorry")
        # What waited is asked for at once: they say it again
        wait_until(lambda: world.net.mailboxes["yahoo"].statistics.throttled >= 2, 60)
        product.postmaster("rules", "undo", "no-such-rule", code=66)


def test_a_rule_outlives_the_process_and_ends_by_itself(tmp_path: Path) -> None:
    rules = """
    [[rule]]
    name = "yahoo-ts04"
    duration_s = "15s"
    """
    with Strict(provider("yahoo", "am0.yahoodns.net", STRICT)) as world:
        with running(tmp_path, world, rules) as product:
            for number in range(2):
                good_session(product.smtp[0], f"u{number}@yahoo.example")
            product.wait_for_disposition(60, event="rule_in_force")
        with running(tmp_path, world, rules) as product:
            assert [each["rule"] for each in in_force(product)] == ["yahoo-ts04"]
            product.wait_for_disposition(event="rule_ended", how="ended", timeout=40)
            wait_until(lambda: world.accepted("yahoo") == 2, 60)
        replayed = json.loads(product.postmaster("rules", "replay", "--json"))
        (used,) = [each for each in replayed["rules"] if each["rule"] == "yahoo-ts04"]
        assert used["fitted"] >= 1
        assert used["came_into_force"] >= 1


def test_a_gmail_that_throttles_is_sent_to_more_slowly_and_then_as_before(tmp_path: Path) -> None:
    rules = """
    [[rule]]
    name = "gmail-rate"
    count = 1
    rate = "1/s"
    duration_s = "3s"
    recovery_s = "500ms"
    """
    with (
        Strict(provider("gmail", "smtp.google.com", STRICT)) as world,
        running(tmp_path, world, rules) as product,
    ):
        for number in range(4):
            good_session(product.smtp[0], f"u{number}@gmail.example")
        began = product.wait_for_disposition(60, event="rule_in_force")
        assert (began["name"], began["action"]) == ("gmail-rate", "throttle")
        assert "unusual rate" in began["reply"].lower()
        wait_until(lambda: world.accepted("gmail") == 4, 60)
        product.wait_for_disposition(event="rule_ended", timeout=60)
        assert in_force(product) == []


def test_a_550_about_our_rate_bounces_nobody(tmp_path: Path) -> None:
    rules = """
    [[rule]]
    name = "qq-frequency"
    duration_s = "2s"
    """
    with (
        Strict(provider("qq", "mx3.qq.com", STRICT)) as world,
        running(tmp_path, world, rules) as product,
    ):
        for number in range(3):
            good_session(product.smtp[0], f"u{number}@qq.example")
        deferred = product.wait_for_disposition(60, event="deferred", code=550)
        assert "frequency limited" in deferred["reply"]
        wait_until(lambda: world.accepted("qq") == 3, 60)
        assert not [each for each in product.mail_log() if each["event"] == "bounced"]


def test_rules_change_with_a_reload(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("")
    with (
        Strict(provider("yahoo", "am0.yahoodns.net", closed(1))) as world,
        running(tmp_path, world, '[rules]\nfile = "rules.toml"\n') as product,
    ):
        for number in range(2):
            good_session(product.smtp[0], f"u{number}@yahoo.example")
        product.wait_for_disposition(60, event="rule_in_force")
        file.write_text('[[rule]]\nname = "yahoo-ts04"\nenabled = false\n')
        product.postmaster("reload")
        ended = product.wait_for_disposition(60, event="rule_ended")
        assert (ended["name"], ended["how"]) == ("yahoo-ts04", "ended")
        file.write_text('[[rule]]\nname = "dead"\nproviders = "gmial"\nmatch = "x"\n')
        found = json.loads(product.postmaster("rules", "lint", "--json", code=78))["findings"]
        assert [(each["rule"], each["kind"]) for each in found] == [("dead", "no_such_provider")]
        file.write_text("")
        assert json.loads(product.postmaster("rules", "lint", "--json"))["ok"]
