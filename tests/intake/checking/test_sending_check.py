"""Mirrors angarium/intake/checking/sending_check.py, and what the desk makes of it."""

import asyncio
from typing import Any

import pytest

from angarium.config.schema import Check
from angarium.content.checking.rule import Finding
from angarium.intake.checking.scanners import Scan, Scanners
from angarium.intake.checking.sending_check import PolicyCheck, refusal
from angarium.intake.order import Fault, FaultKind, RawMail, Sent
from angarium.intake.order_preparation import OrderPreparation
from angarium.queue.model import UnixMs
from angarium.tenancy.check_policy import CheckPolicy
from tests.intake.order_fixture import NOW, Fixture, order

MALWARE = Finding(code="malware_found", level="blocker", field="body", message="there is malware")
UNSCANNED = Finding(
    code="malware_not_looked_for", level="blocker", field="body", message="not searched"
)
SUSPECT = Finding(code="rspamd_suspects", level="hint", field="body", message="likely spam")


class Stub(Scanners):
    """Finds what a message's text says."""

    def __init__(self, at_sending: Any = ()) -> None:
        super().__init__(Check(at_sending=at_sending))
        self.scanned: list[bytes] = []
        self.at_once = 0
        self.most = 0

    async def scan(self, content: bytes, reverse_path: str, recipients: Any, **more: Any) -> Scan:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        self.scanned.append(content)
        assert (reverse_path, list(recipients)) == ("a@acme.test", ["b@c.test"])
        assert more == {"by": self.at_sending}
        for text, found in ((b"bad", MALWARE), (b"unseen", UNSCANNED), (b"odd", SUSPECT)):
            if text in content:
                return Scan(findings=(found,))
        return Scan()


class Checked(Fixture):
    def __init__(self) -> None:
        super().__init__()
        self.policy = CheckPolicy()
        self.streams: set[str] = set()
        self.scan(())

    def scan(self, at_sending: Any) -> None:
        self.scanners = Stub(at_sending)
        preparation: OrderPreparation = self.preparation
        preparation._checks = PolicyCheck(
            lambda tenant: self.policy,
            lambda stream: stream in self.streams,
            self.scanners,
            lambda: UnixMs(NOW),
        )


@pytest.fixture
async def desk() -> Checked:
    return Checked()


SPOILT = {"subject": "Hello {{ name }}"}


async def test_where_nobody_wants_it_nothing_is_looked_at(
    desk: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr("angarium.intake.checking.sending_check.check", never)
    (sent,) = await desk.send(order(**SPOILT))
    assert isinstance(sent, Sent)
    assert sent.findings == ()
    assert desk.scanners.scanned == []


async def test_hints_come_with_the_answer(desk: Checked) -> None:
    desk.policy = CheckPolicy(mode="hints")
    (sent,) = await desk.send(order(**SPOILT))
    assert [(each.code, each.level) for each in sent.findings] == [("variable_left", "blocker")]
    assert len(desk.accepted()) == 1


async def test_the_answer_of_a_repeated_request_has_them_too(desk: Checked) -> None:
    desk.policy = CheckPolicy(mode="hints")
    first = await desk.send(order(**SPOILT), once="k")
    assert await desk.send(order(**SPOILT), once="k") == first
    assert first[0].findings
    assert len(desk.accepted()) == 1


async def test_a_blocker_refuses_with_its_field_and_code(desk: Checked) -> None:
    desk.policy = CheckPolicy(mode="block")
    fault = await desk.send(order(**SPOILT))
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.field, fault.constraint) == (
        FaultKind.INVALID,
        "subject",
        "variable_left",
    )
    assert fault.message.startswith("subject: a variable of a template was not filled: fill it")
    assert fault.message.endswith("({{ name }})")
    assert desk.accepted() == []


async def test_what_is_only_a_hint_refuses_where_the_tenant_names_it(desk: Checked) -> None:
    shouting = order(subject="EVERYTHING MUST GO")
    desk.policy = CheckPolicy(mode="block")
    assert isinstance((await desk.send(shouting))[0], Sent)
    desk.policy = CheckPolicy(mode="block", codes=("subject_capitals",))
    fault = await desk.send(shouting)
    assert fault.constraint == "subject_capitals"
    assert isinstance((await desk.send(order(**SPOILT)))[0], Sent)  # and nothing else does


async def test_of_several_only_those_that_are_wrong_are_refused(desk: Checked) -> None:
    desk.policy = CheckPolicy(mode="block")
    fault = await desk.send(order(), order(**SPOILT))
    assert fault.field == "messages[1].subject"
    assert desk.accepted() == []
    good, bad = await desk.send(order(), order(**SPOILT), strict=False)
    assert isinstance(good, Sent)
    assert isinstance(bad, Fault)


async def test_bulk_mail_is_judged_as_such(desk: Checked) -> None:
    desk.policy = CheckPolicy(mode="block", codes=("unsubscribe_header_missing",))
    assert isinstance((await desk.send(order(stream="bulk")))[0], Sent)
    desk.streams.add("bulk")
    fault = await desk.send(order(stream="bulk"))
    assert fault.constraint == "unsubscribe_header_missing"
    left = order(stream="bulk", unsubscribe_url="https://acme.test/u")
    assert isinstance((await desk.send(left))[0], Sent)


async def test_a_message_that_is_written_already_is_looked_at_as_one_field(desk: Checked) -> None:
    desk.policy = CheckPolicy(mode="block")
    raw = b"From: Shop <a@acme.test>\r\nSubject: Hello {{ name }}\r\n\r\ntext\r\n"
    fault = await desk.send(order(author=None, subject="", text=None, raw=RawMail(content=raw)))
    assert (fault.field, fault.constraint) == ("raw", "variable_left")


async def test_malware_is_refused_whatever_the_tenant_wants(desk: Checked) -> None:
    desk.scan(("clamd",))
    fault = await desk.send(order(text="bad"))
    assert (fault.kind, fault.field, fault.constraint) == (
        FaultKind.INVALID,
        "body",
        "malware_found",
    )
    assert desk.accepted() == []
    (sent,) = await desk.send(order(text="odd"))
    assert isinstance(sent, Sent)


async def test_what_could_not_be_scanned_and_must_be_is_refused_for_now(desk: Checked) -> None:
    desk.scan(("clamd",))
    fault = await desk.send(order(text="unseen"))
    assert (fault.kind, fault.retry_after_s) == (FaultKind.BUSY, 60)


async def test_all_of_a_batch_are_scanned_some_at_a_time(desk: Checked) -> None:
    desk.scan(("clamd",))
    texts = [f"{each}" for each in range(11)]
    texts[7] = "bad"
    answers = await desk.send(*[order(text=each) for each in texts], strict=False)
    assert [isinstance(each, Fault) for each in answers] == [each == "bad" for each in texts]
    assert len(desk.scanners.scanned) == 11
    assert desk.scanners.most == 4
    fault = await desk.send(*[order(text=each) for each in texts])
    assert fault.field == "messages[7].body"


def test_a_refusal_says_what_was_found() -> None:
    found = Finding(code="link_local", level="blocker", field="bodyHtml", message="m", detail="d")
    assert refusal(found, is_raw=False).message == "bodyHtml: m (d)"
    assert refusal(found, is_raw=True).field == "raw"
