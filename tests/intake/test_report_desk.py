"""Mirrors angarium/intake/report_desk.py."""

import asyncio
import itertools

import msgspec
import pytest

from angarium.config.schema import Feedback
from angarium.feedback.reference import Purpose, ReferenceKeys, Subject
from angarium.intake.desk import QUEUE_FULL, Acceptance, Accepted
from angarium.intake.report_desk import (
    ELSEWHERE,
    EXPIRED,
    MAX_WAIT_S,
    NOT_ISSUED,
    TOO_MANY,
    ReportDesk,
)
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.model import MessageId, UnixMs
from angarium.smtp.envelope import Envelope, Recipient
from angarium.smtp.received import ReceivedMessage
from angarium.smtp.refusal import Refusal
from tests.queue.samples import FakeClock
from tests.week.passing_time import passing_time

KEYS = ReferenceKeys({1: bytes(32)}, days=30)
CONFIG = Feedback(return_path_domain="B.example.com", feedback_addresses=("FBL@example.com",))
ID = MessageId(bytes(15) + b"\1")
SUBJECT = Subject(
    message_id=MessageId(bytes(16)),
    index=0,
    address="bob@example.net",
    tenant="acme",
    stream="bulk",
)


class Faults:
    def internal_error(self, where: str, error: BaseException) -> None:
        raise AssertionError(where) from error


class Rig:
    def __init__(self, config: Feedback = CONFIG) -> None:
        self.clock = FakeClock()
        self.spool = MemorySpool(self.clock)
        self.desk = ReportDesk(
            config, KEYS, self.spool.reports, lambda: ID, self.clock, Faults(), lambda: None
        )

    def asked(self, address: str) -> Refusal | None:
        domain = address.rpartition("@")[2].lower()
        return self.desk.may_receive(Recipient(forward_path=address, domain=domain))

    def issued(self, purpose: Purpose = Purpose.REPORT) -> str:
        return KEYS.local_part(SUBJECT, UnixMs(self.clock.now), purpose)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_what_we_issued_is_taken_in_any_case_a6(purpose: Purpose) -> None:
    rig = Rig()
    assert rig.asked(f"{rig.issued(purpose)}@b.example.com") is None
    assert rig.asked(f"{rig.issued(purpose).upper()}@B.EXAMPLE.COM") is None


def test_what_we_named_is_taken() -> None:
    assert Rig().asked("fbl@EXAMPLE.com") is None


@pytest.mark.parametrize(
    ("address", "refusal"),
    [
        ("postmaster@b.example.com", NOT_ISSUED),
        (f"{'a' * 63}@b.example.com", NOT_ISSUED),
        ("info@example.com", NOT_ISSUED),
        ("bob@example.net", ELSEWHERE),
        ("fbl@b.example.com", NOT_ISSUED),
    ],
)
def test_what_we_did_not_issue_is_refused_so_that_nobody_is_answered_a5(
    address: str, refusal: Refusal
) -> None:
    assert Rig().asked(address) is refusal
    assert refusal.code == 550


def test_a_token_of_another_domain_or_of_long_ago_is_refused() -> None:
    rig = Rig()
    token = rig.issued()
    assert rig.asked(f"{token}@example.com") is NOT_ISSUED
    rig.clock.now += 32 * 86_400_000
    assert rig.asked(f"{token}@b.example.com") is EXPIRED


def test_without_a_return_path_domain_only_what_is_named_is_taken() -> None:
    rig = Rig(Feedback(feedback_addresses=("fbl@example.com",)))
    assert rig.asked(f"{rig.issued()}@b.example.com") is ELSEWHERE
    assert rig.asked("fbl@example.com") is None


def test_a_reload_changes_what_is_taken() -> None:
    rig = Rig()
    token = rig.issued()
    rig.desk.exchange(CONFIG, ReferenceKeys({2: bytes(32)}, days=30))
    assert rig.asked(f"{token}@b.example.com") is NOT_ISSUED


def received() -> ReceivedMessage:
    return ReceivedMessage(
        envelope=Envelope(
            reverse_path="", recipients=(Recipient(forward_path="t@b.example.com", domain="b"),)
        ),
        content=b"A: b\r\n\r\nbounced\r\n",
        client_address="192.0.2.9",
        client_name="mx.example.net",
        protocol="ESMTP",
        listener="127.0.0.1:25",
    )


async def test_a_report_is_durable_before_it_is_acknowledged() -> None:
    rig = Rig()
    acceptance = rig.desk.accept(received())
    assert isinstance(acceptance, Acceptance)
    assert await acceptance == Accepted(ID)
    (waiting,) = rig.spool.reports.pending(10, 1 << 20)
    assert (waiting.id, waiting.client, waiting.reverse_path) == (ID, "192.0.2.9", "")
    assert (waiting.recipients, waiting.via) == (("t@b.example.com",), "smtp")
    assert waiting.content == received().content


async def test_more_than_may_wait_are_put_off() -> None:
    rig = Rig(msgspec.structs.replace(CONFIG, waiting_octets=len(received().content)))
    for expected in (Accepted(ID), QUEUE_FULL):
        acceptance = rig.desk.accept(received())
        assert isinstance(acceptance, Acceptance)
        assert await acceptance == expected
    assert QUEUE_FULL.code == 452


def at_a_pace(reports_per_s: int) -> Rig:
    rig = Rig(msgspec.structs.replace(CONFIG, reports_per_s=reports_per_s))
    numbers = itertools.count(1)
    rig.desk._new_id = lambda: MessageId(next(numbers).to_bytes(16, "big"))
    return rig


async def ended_at(acceptance: Acceptance | Refusal) -> float:
    assert isinstance(acceptance, Acceptance)
    assert isinstance(await acceptance, Accepted)
    return asyncio.get_running_loop().time()


def test_a_storm_is_taken_in_at_its_pace_rd1() -> None:
    async def storm() -> list[float]:
        rig = at_a_pace(4)
        storming = [rig.desk.accept(received()) for _ in range(4)]
        return list(await asyncio.gather(*map(ended_at, storming)))

    with passing_time() as runner:
        assert runner.run(storm()) == pytest.approx([0, 0.25, 0.5, 0.75])


def test_after_a_pause_nothing_waits_and_nothing_was_saved_up_rd1() -> None:
    async def calm() -> list[float]:
        rig = at_a_pace(1)
        await asyncio.sleep(60)
        late = [rig.desk.accept(received()) for _ in range(2)]
        return list(await asyncio.gather(*map(ended_at, late)))

    with passing_time() as runner:
        assert runner.run(calm()) == pytest.approx([60, 61])


def test_who_would_wait_for_too_long_is_put_off_and_nothing_of_it_is_stored_rd1() -> None:
    async def flood() -> tuple[list[object], int]:
        rig = at_a_pace(1)
        flooding = [rig.desk.accept(received()) for _ in range(int(MAX_WAIT_S) + 3)]
        refused = [each for each in flooding if isinstance(each, Refusal)]
        for each in flooding[5:]:
            if isinstance(each, Acceptance):
                each.withdraw()  # its client has gone
        await asyncio.sleep(MAX_WAIT_S * 2)
        return list(refused), len(rig.spool.reports.pending(100, 1 << 20))

    with passing_time() as runner:
        assert runner.run(flood()) == ([TOO_MANY] * 2, 5)
