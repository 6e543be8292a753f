"""Mirrors angarium/simulator/demo/verdict.py: it must see what is wrong, not only what is right."""

import time
from collections.abc import Callable

import msgspec
import pytest

from angarium.dkim import SigningKey
from angarium.dkim.keygen import generate, record_text
from angarium.simulator.demo.ledger import Ledger
from angarium.simulator.demo.plan import Plan, render
from angarium.simulator.demo.standing import RuleRow, Standing, WarmupRow
from angarium.simulator.demo.verdict import VerdictLine, by_http, judge, told_of_reading
from angarium.simulator.demo.web import WebApplication
from angarium.simulator.demo.world import COLD, NEW_TO, RULE, demo_scenario
from angarium.simulator.internet import Internet
from angarium.simulator.mailboxes import StoredMessage
from tests.simulator.demo.test_ledger import line

DSN = b"Subject: Undelivered\r\n\r\nFinal-Recipient: rfc822; %s\r\nAction: failed\r\n"


class Run:
    """A run of the demo in which all went well; a test spoils it."""

    def __init__(self) -> None:
        self.plan = Plan()
        self.new = 0  # messages to the provider that one source is new to
        self.standing = Standing(
            warmups=(WarmupRow(source=COLD, provider=NEW_TO, day=0, hour_limit=20, note=""),),
            rules=(
                RuleRow(
                    rule=RULE,
                    action="throttle",
                    scope="source warm at cedar",
                    until="2026-01-01T00:00:00Z",
                    reply="421 4.7.0 [TSS04] too much",
                ),
            ),
        )
        self.ledger = Ledger(self.plan)
        self.net = Internet(demo_scenario([]))
        self.web = WebApplication()
        self.key = SigningKey(domain="shop.example", selector="s1", private=generate("ed25519"))
        for message in self.plan.messages:
            self.ledger.submit(message.recipients)
            for recipient in message.recipients:
                if message.sender.way == "http":
                    told = ["email.accepted", f"email.{self.plan.expected[recipient]}"]
                    self.web.heard[recipient] = told
                    if self.plan.expected[recipient] == "delivered":
                        self.web.reader = recipient
                expected = self.plan.expected[recipient]
                event = "deferred" if expected == "waiting" else expected
                self.ledger.read(line(event, recipient))
                if (later := self.plan.later.get(recipient)) is not None:
                    self.ledger.read(line(later, recipient))
                    self.ledger.read(line("suppression_added", recipient))
                if expected == "delivered":
                    provider = self.plan.provider[recipient]
                    self.new += provider == NEW_TO
                    is_new = provider == NEW_TO and self.new <= 20
                    self.receive(provider, message.id, recipient, new=is_new)
                by_mail = message.sender.way == "smtp"
                if by_mail and (expected == "bounced" or later == "report_bounced"):
                    content = DSN % recipient.encode()
                    self.receive("senders", "", message.sender.address, content, "")
        self.ledger.read(msgspec.json.encode({"event": "report_unmatched"}))
        for name in self.net.mailboxes:
            statistics = self.net.mailboxes[name].statistics
            statistics.deferred = statistics.throttled = statistics.refused = statistics.drops = 1
            statistics.tls_failures = statistics.tls_handshakes = 1
        self.web.heard[self.web.reader] += ["email.opened", "email.clicked"]

    def receive(
        self,
        provider: str,
        message_id: str,
        recipient: str,
        content: bytes = b"From: <news@shop.example>\r\nSubject: x\r\n\r\n",
        reverse_path: str = "news@shop.example",
        *,
        new: bool = False,
    ) -> None:
        """``new``: by the source that is."""
        self.net.mailboxes[provider].receive(
            StoredMessage(
                at=0.0,
                host="mx",
                client="127.0.0.2" if new else "127.0.0.1",
                ehlo="",
                tls="",
                reverse_path=reverse_path,
                recipients=(recipient,),
                parameters=(),
                id=message_id,
                size_octets=len(content),
                content=content,
            )
        )

    def failures(self) -> str:
        def find_txt(name: str) -> bytes | None:
            return record_text(self.key.private.public_key()).encode()

        findings: list[VerdictLine] = judge(
            self.ledger, self.net, find_txt, self.standing, self.web
        )
        unsigned = [
            f for f in findings if not f.ok and "DKIM" not in f.text and "verify" not in f.text
        ]
        return "\n".join("\n".join((f.text, *f.examples)) for f in unsigned)


def lose_one(run: Run) -> None:
    run.net.mailboxes["acorn"].copies.popitem()


def deliver_twice(run: Run) -> None:
    (key, recipient), _ = run.net.mailboxes["acorn"].copies.popitem()
    run.receive("acorn", key, recipient)
    run.receive("acorn", key, recipient)


def two_outcomes(run: Run) -> None:
    run.ledger.read(line("bounced", "reader1@acorn.example"))


def deliver_what_waits(run: Run) -> None:
    run.ledger.read(line("delivered", "away1@hazel.example"))


def refuse_submission(run: Run) -> None:
    run.ledger.entries["reader1@acorn.example"].submitted = False


def tell_no_sender(run: Run) -> None:
    run.net.mailboxes["senders"].messages.clear()


def bare_line_ends(run: Run) -> None:
    run.receive("senders", "", "a@b.c", b"Subject: x\r\n\r\na\nb\r\n", "x@y.z")


def no_throttling(run: Run) -> None:
    run.net.mailboxes["cedar"].statistics.throttled = 0


def tell_no_webhook(run: Run) -> None:
    del run.web.heard[by_http(run.ledger)[0]]


def tell_in_another_order(run: Run) -> None:
    run.web.heard[by_http(run.ledger)[0]].reverse()


def tell_unsigned(run: Run) -> None:
    run.web.unsigned += 1


def one_too_many(run: Run) -> None:
    run.receive("acorn", "x", "reader1@acorn.example", new=True)


def starve_the_new_one(run: Run) -> None:
    run.net.mailboxes["acorn"].messages.popleft()  # among the first, one of its own


def step_back(run: Run) -> None:
    (warmup,) = run.standing.warmups
    note = "it began day 0 again: 30.0% deferred (6 of 20)"
    warmup = msgspec.structs.replace(warmup, note=note)
    run.standing = msgspec.structs.replace(run.standing, warmups=(warmup,))


def forget_the_warm_up(run: Run) -> None:
    run.standing = msgspec.structs.replace(run.standing, warmups=())


def believe_the_forged_one(run: Run) -> None:
    run.ledger.read(line("suppression_added", "reader1@acorn.example"))


def suppress_who_was_refused(run: Run) -> None:
    run.ledger.read(line("suppression_added", "gone1@elm.example"))


def forget_a_complaint(run: Run) -> None:
    run.ledger.entries["angry1@ivy.example"].came_back.clear()


def overlook_the_forged_one(run: Run) -> None:
    run.ledger.unmatched = 0


def undo_the_rule(run: Run) -> None:
    run.standing = msgspec.structs.replace(run.standing, rules=())


def test_a_good_run_has_nothing_against_it_but_its_missing_signatures() -> None:
    run = Run()
    assert run.failures() == ""
    suppress_who_was_refused(run)
    assert run.failures() == ""


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lose_one, "received 0 times"),
        (deliver_twice, "received 2 times"),
        (two_outcomes, "outcome delivered, bounced"),
        (deliver_what_waits, "waiting expected, outcome delivered"),
        (refuse_submission, "not accepted: 1"),
        (tell_no_sender, "its sender was not told"),
        (bare_line_ends, "1 malformed"),
        (no_throttling, "cedar throttled"),
        (one_too_many, "21 in an hour, of 20"),
        (starve_the_new_one, "only 19 of 20"),
        (step_back, "began day 0 again"),
        (forget_the_warm_up, "no warm-up of cold at acorn"),
        (believe_the_forged_one, "nothing expected, suppression_added came"),
        (forget_a_complaint, "complained and suppression_added expected, nothing came"),
        (overlook_the_forged_one, "the forged bounce was not noticed"),
        (undo_the_rule, "the rule cedar-ts04 is not in force"),
        (tell_no_webhook, "told nothing"),
        (tell_in_another_order, "told email."),
        (tell_unsigned, "1 unsigned"),
    ],
)
def test_what_went_wrong_is_found(spoil: Callable[[Run], None], complaint: str) -> None:
    run = Run()
    spoil(run)
    assert complaint in run.failures()


def test_a_message_without_a_valid_signature_is_found() -> None:
    run = Run()
    findings = judge(run.ledger, run.net, lambda name: None, run.standing, run.web)
    assert [e for f in findings if "shop.example" in f.text for e in f.examples] == ["not signed"]
    content = b"DKIM-Signature: v=1; a=rsa-sha256; d=shop.example; s=s1; bh=x; b=y; h=from\r\n"
    content += render(run.plan.messages[0], time.time())
    run.net.mailboxes["acorn"].messages.clear()
    run.receive("acorn", "1", "reader1@acorn.example", content)
    findings = judge(run.ledger, run.net, lambda name: None, run.standing, run.web)
    bad = [f for f in findings if "shop.example" in f.text]
    assert [f.ok for f in bad] == [False]
    assert bad[0].examples


def test_a_reader_who_was_not_seen_or_twice_is_named() -> None:
    run = Run()
    assert told_of_reading(run.web) == []
    heard = run.web.heard[run.web.reader]
    heard.append("email.opened")
    assert told_of_reading(run.web) == [f"{run.web.reader}: email.opened"]
    heard.remove("email.clicked")
    assert f"{run.web.reader}: email.clicked" in told_of_reading(run.web)
    run.web.reader = ""
    assert told_of_reading(run.web) == ["nobody: email.opened", "nobody: email.clicked"]
