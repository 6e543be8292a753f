"""What comes back: from a provider that accepts and thinks better of it to a suppression; and what is forged."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from angarium.access.reference_keys import read_keys
from angarium.feedback.reference import Purpose, ReferenceKeys, Subject
from angarium.queue import MessageId, UnixMs
from angarium.queue.wall_clock import wall_clock
from angarium.simulator.internet import Internet
from angarium.simulator.mailboxes import StoredMessage
from angarium.simulator.scenario import (
    Behaviour,
    MailboxRule,
    Report,
    Scenario,
    SimulatedProvider,
)
from tests.e2e.product import (
    TRUSTED,
    Product,
    RawClient,
    good_session,
    message,
    stuffed,
    token,
)
from tests.free_port import free_port
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

FORGED = b"""From: MAILER-DAEMON@oak.example\r
To: fbl@example.org\r
Subject: Undelivered mail\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary=b\r
\r
--b\r
Content-Type: text/plain\r
\r
no such user\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.oak.example\r
\r
Final-Recipient: rfc822; victim@oak.example\r
Action: failed\r
Status: 5.1.1\r
\r
--b\r
Content-Type: text/rfc822-headers\r
\r
From: a@example.org\r
X-Angarium-Reference: %b\r
\r
--b--\r
"""


@contextlib.contextmanager
def internet(scenario: Scenario) -> Iterator[Internet]:
    """Run the small internet in a thread, with a loop of its own."""
    net = Internet(scenario)
    started, loop = threading.Event(), asyncio.new_event_loop()
    ended = asyncio.Event()

    async def run() -> None:
        async with net:
            started.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert started.wait(30)
        yield net
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(30)
        loop.close()


def reporting(kind: str, local: str) -> MailboxRule:
    return MailboxRule(local=local, behaviour=Behaviour(report=Report(kind=kind)))  # type: ignore[arg-type]


class World:
    """A server of ours, and a provider that reports to its inbound listener."""

    def __init__(
        self, folder: Path, net: Internet, port: int, *, single: bool, more: str = ""
    ) -> None:
        self.net = net
        self.port = port
        self.folder = folder
        self.single = single
        self.more = more
        self.product = self.start()

    def start(self) -> Product:
        inbound = f'[[listener]]\nkind = "inbound"\naddress = "127.0.0.1:{self.port}"\n'
        more = (
            f'[dns]\nnameservers = ["{self.net.dns_address}"]\n[feedback]\n'
            'return_path_domain = "b.example.org"\nfeedback_addresses = ["fbl@example.org"]\n'
        )
        delivery = f"port = {self.net.smtp_port}\nallow_private = true\n"
        return Product(
            self.folder,
            listeners=TRUSTED + inbound,
            delivery=delivery,
            more=more + self.more,
            single=self.single,
        )

    def keys(self) -> ReferenceKeys:
        return ReferenceKeys(read_keys(self.folder / "data" / "feedback.key"), 30)

    def events(self, name: str, **fields: Any) -> list[dict[str, Any]]:
        return [
            each
            for each in self.product.mail_log()
            if each["event"] == name and all(each.get(key) == fields[key] for key in fields)
        ]

    def wait_for(self, name: str, **fields: Any) -> dict[str, Any]:
        return self.product.wait_for_disposition(event=name, **fields)

    def received(self) -> tuple[StoredMessage, ...]:
        return tuple(self.net.mailboxes["oak"].messages)

    def told(self, action: str) -> list[StoredMessage]:
        """What the application's own provider has of notices."""
        line = f"\r\nAction: {action}\r\n".encode()
        return [each for each in self.net.mailboxes["elm"].messages if line in each.content]

    def send(self, to: str, notify: str) -> None:
        """As an application does that reads the mail to its reverse path."""
        with RawClient(self.product.smtp[0]) as client:
            client.say(b"EHLO client.example.org\r\n")
            client.say(b"MAIL FROM:<app@elm.example> ENVID=job77\r\n")
            assert client.say(f"RCPT TO:<{to}>{notify}\r\n".encode()).startswith(b"250")
            client.say(b"DATA\r\n")
            assert client.say(stuffed(message(token()))).startswith(b"250")

    def bring(self, recipient: str, content: bytes) -> bytes:
        """Hand a mail in at the inbound listener; returns the reply that decided."""
        with RawClient(self.port) as client:
            client.say(b"EHLO mx.oak.example\r\n")
            client.say(b"MAIL FROM:<>\r\n")
            reply = client.say(b"RCPT TO:<%b>\r\n" % recipient.encode())
            if reply.startswith(b"250"):
                client.say(b"DATA\r\n")
                reply = client.say(stuffed(content))
            return reply


@contextlib.contextmanager
def world(folder: Path, *, single: bool = True, more: str = "") -> Iterator[World]:
    port = free_port()
    provider = SimulatedProvider(
        name="oak",
        domains=("oak.example",),
        catch_all=True,
        feedback_to="fbl@example.org",
        mailboxes=(reporting("dsn", "gone"), reporting("jmrp", "angry"), reporting("arf", "cross")),
    )
    elm = SimulatedProvider(name="elm", domains=("elm.example",), catch_all=True)
    scenario = Scenario(
        provider=(provider, elm), reports_to=f"127.0.0.1:{port}", network="127.31.0.0"
    )
    with internet(scenario) as net:
        made = World(folder, net, port, single=single, more=more)
        try:
            yield made
            made.product.assert_clean()
        finally:
            made.product.kill()


@pytest.mark.parametrize("single", [True, False], ids=["single", "processes"])
def test_bounces_and_complaints_that_come_back_end_in_events_and_suppressions(
    tmp_path: Path, single: bool
) -> None:
    with world(tmp_path, single=single) as here:
        for local in ("gone", "angry", "cross", "content"):
            good_session(here.product.smtp[0], f"{local}@oak.example")
        bounced = here.wait_for("report_bounced", recipient="gone@oak.example")
        assert (bounced["class"], bounced["effect"]) == ("user_unknown", "suppress")
        for local in ("angry", "cross"):
            complained = here.wait_for("complained", recipient=f"{local}@oak.example")
            assert complained["feedback_type"] == "abuse"
        for local in ("gone", "angry", "cross"):
            here.wait_for("suppression_added", recipient=f"{local}@oak.example")
        wait_until(lambda: len(here.received()) == 4)
        assert not here.events("suppression_added", recipient="content@oak.example")
        assert not here.events("report_unmatched")
        for each in here.received():
            local_part, _, domain = each.reverse_path.partition("@")
            assert (len(local_part), domain) == (63, "b.example.org")
        counted = b'angarium_reports_total{kind="arf",outcome="matched"} 2.0'
        wait_until(lambda: counted in here.product.get("/metrics"))


SENSITIVE = """
[breaker]
complaints_at_least = 2
complaints_warn_percent = 1.0
complaints_percent = 100.0
complaints_rate = "1/min"
"""


@pytest.mark.parametrize("single", [True, False], ids=["single", "processes"])
def test_who_is_complained_of_is_slowed_down_there_until_an_operator_undoes_it(
    tmp_path: Path, single: bool
) -> None:
    with world(tmp_path, single=single, more=SENSITIVE) as here:
        for local in ("one", "two", "angry", "cross"):
            good_session(here.product.smtp[0], f"{local}@oak.example")
        wait_until(lambda: len(here.received()) == 4)
        here.wait_for("rule_in_force")

        def in_force() -> list[dict[str, Any]]:
            return list(json.loads(here.product.postmaster("rules", "list", "--json"))["rules"])

        (rule,) = in_force()
        assert (rule["rule"], rule["action"]) == ("complaint-breaker", "throttle")
        assert rule["scope"].startswith("tenant default at ")
        assert "recipients complained" in rule["reply"]
        for number in range(3):
            good_session(here.product.smtp[0], f"later{number}@oak.example")
        wait_until(lambda: len(here.received()) == 5, 60)  # one a minute
        wait_until(lambda: len(here.product.queued()) == 2, 60)
        explained = here.product.postmaster("queue", "explain", here.product.queued()[0]["id"])
        assert "the rule complaint-breaker slows down tenant default" in explained
        here.product.postmaster("rules", "undo", "complaint-breaker", rule["scope"])
        wait_until(lambda: len(here.received()) == 7, 60)
        assert in_force() == []


@pytest.mark.parametrize("single", [True, False], ids=["single", "processes"])
def test_a_sender_hears_once_of_what_came_back_in_its_place(tmp_path: Path, single: bool) -> None:
    with world(tmp_path, single=single) as here:
        here.send("gone@oak.example", "")
        here.wait_for("report_bounced", recipient="gone@oak.example", sender_told="told")
        wait_until(lambda: len(here.told("failed")) == 1)
        (notice,) = here.told("failed")
        assert (notice.reverse_path, notice.recipients) == ("", ("app@elm.example",))
        for line in (b"Original-Envelope-Id: job77", b"Final-Recipient: rfc822; gone@oak.example"):
            assert line in notice.content
        assert b"b.example.org" not in notice.content.partition(b"delivery-status")[2]


def test_a_sender_hears_of_a_success_that_it_asked_for_and_of_nothing_else(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        for local, notify in (("asked", "SUCCESS"), ("usual", ""), ("never", "NEVER")):
            here.send(f"{local}@oak.example", f" NOTIFY={notify}" if notify else "")
        wait_until(lambda: len(here.received()) == 3)
        paths = {each.recipients[0]: each.reverse_path for each in here.received()}
        success = (FORGED % b"").replace(b"failed", b"delivered").replace(b"5.1.1", b"2.1.5")
        for local in ("asked", "usual", "never", "asked"):
            recipient = f"{local}@oak.example"
            content = success.replace(b"victim@oak.example", recipient.encode())
            assert here.bring(paths[recipient], content).startswith(b"250 ")
        recipient = "never@oak.example"
        failure = (FORGED % b"").replace(b"victim@", b"never@")
        assert here.bring(paths[recipient], failure).startswith(b"250 ")
        here.wait_for("report_bounced", recipient=recipient, sender_told="unwanted")
        wait_until(lambda: len(here.told("delivered")) == 1)
        assert b"Final-Recipient: rfc822; asked@oak.example" in here.told("delivered")[0].content
        assert not here.told("failed")
        counted = b'angarium_reports_total{kind="dsn-success",outcome="matched"} 1.0'
        wait_until(lambda: counted in here.product.get("/metrics"))
        assert len(here.told("delivered")) == 1


def test_what_is_forged_suppresses_nobody_and_nobody_is_answered_a5_a6(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        subject = Subject(
            message_id=MessageId(bytes(16)),
            index=0,
            address="victim@oak.example",
            tenant="default",
            stream="default",
        )
        forger = ReferenceKeys({1: bytes(32)}, 30)
        forged = forger.token(subject, wall_clock())
        address = f"{forger.local_part(subject, wall_clock())}@b.example.org"
        for recipient in (address, "postmaster@b.example.org", "bob@example.net"):
            assert here.bring(recipient, FORGED % b"x").startswith(b"550 5.")
        for token in (forged, "", "ar1.AQAA"):
            assert here.bring("fbl@example.org", FORGED % token.encode()).startswith(b"250 ")
        # A reference of somebody else's mail does not name the victim
        good_session(here.product.smtp[0], "evil@oak.example")
        wait_until(lambda: len(here.received()) == 1)
        own = here.received()[0].reverse_path
        assert here.bring(own, FORGED % b"").startswith(b"250 ")
        wait_until(lambda: len(here.events("report_unmatched")) == 4)
        whys = [each["reason"] for each in here.events("report_unmatched")]
        assert sorted(whys) == ["forged", "forged", "other-recipient", "unsigned"]
        assert not here.events("suppression_added")
        assert len(here.received()) == 1  # nobody got an answer
        assert not here.product.queued()


def test_a_mail_to_an_unsubscribe_address_ends_the_stream(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        good_session(here.product.smtp[0], "tired@oak.example")
        delivered = here.wait_for("delivered", recipient="tired@oak.example")
        subject = Subject(
            message_id=MessageId(bytes.fromhex(delivered["message"].replace("-", ""))),
            index=0,
            address="tired@oak.example",
            tenant="default",
            stream="default",
        )
        token = here.keys().local_part(subject, wall_clock(), Purpose.UNSUBSCRIBE)
        mail = b"From: tired@oak.example\r\nSubject: please\r\n\r\n\r\n"
        assert here.bring(f"{token}@b.example.org", mail).startswith(b"250 ")
        here.wait_for("unsubscribed", recipient="tired@oak.example", stream="default")
        here.wait_for("suppression_added", recipient="tired@oak.example")


@pytest.mark.parametrize("single", [True, False], ids=["single", "processes"])
def test_a_report_that_was_taken_survives_a_kill_and_counts_once(
    tmp_path: Path, single: bool
) -> None:
    with world(tmp_path, single=single) as here:
        good_session(here.product.smtp[0], "bob@oak.example")
        wait_until(lambda: len(here.received()) == 1)
        own = here.received()[0].reverse_path
        content = (FORGED % b"").replace(b"victim@", b"bob@")
        for _ in range(3):
            assert here.bring(own, content).startswith(b"250 ")
        here.product.kill()
        here.product = here.start()
        wait_until(lambda: len(here.events("report_bounced", recipient="bob@oak.example")) == 3)
        assert len(here.events("suppression_added", recipient="bob@oak.example")) == 1


def test_expired_references_are_refused_at_the_door(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        subject = Subject(
            message_id=MessageId(bytes(16)),
            index=0,
            address="bob@oak.example",
            tenant="default",
            stream="default",
        )
        long_ago = UnixMs(wall_clock() - 40 * 86_400_000)
        address = f"{here.keys().local_part(subject, long_ago)}@b.example.org"
        assert here.bring(address, FORGED % b"").startswith(b"550 5.1.1 ")
