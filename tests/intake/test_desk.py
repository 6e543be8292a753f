"""Mirrors angarium/intake/desk.py and submission_desk.py."""

import asyncio
from collections.abc import Awaitable, Sequence

import pytest

from angarium.api.rates import LocalRates
from angarium.config.schema import Dkim, ListenerLimits
from angarium.intake.desk import LOCAL_ERROR, QUEUE_FULL, Acceptance, Accepted
from angarium.intake.key_rates import KeyRates
from angarium.intake.required_signatures import RequiredSignatures
from angarium.intake.submission import SubmissionBuilder
from angarium.intake.submission_desk import SubmissionDesk
from angarium.intake.tenant_limits import UNLIMITED, TenantLimits, quota_refusal
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.model import MessageId, PartitionNumber, Submission, UnixMs
from angarium.queue.spool import QueueFailedError, QueueFullError
from angarium.queue.terms import OverQuota, Quota, Terms
from angarium.smtp.envelope import Envelope, Recipient
from angarium.smtp.received import ReceivedMessage
from angarium.smtp.refusal import Refusal
from angarium.tenancy.plan import Plan
from tests.queue.samples import FakeClock, make_ids

ID = MessageId(bytes(15) + b"\1")
RECIPIENT = Recipient(forward_path="x@b.example", domain="b.example")


class ScriptedSpool:
    """Each acceptance waits in ``stored``, or raises at once."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.stored: list[asyncio.Future[None]] = []
        self.batches: list[Sequence[Submission]] = []

    def give_way(self) -> None: ...

    def accept(self, batch: Sequence[Submission]) -> Awaitable[None]:
        if self.error is not None:
            raise self.error
        self.batches.append(batch)
        self.stored.append(asyncio.get_running_loop().create_future())
        return self.stored[-1]


class Faults:
    def __init__(self) -> None:
        self.where: list[str] = []

    def internal_error(self, where: str, error: BaseException) -> None:
        self.where.append(where)


def no_partition(_: str) -> PartitionNumber:
    raise RuntimeError("unforeseen")


def desk(
    spool: ScriptedSpool,
    faults: Faults | None = None,
    *,
    is_broken: bool = False,
    rate: int | None = None,
    limits: TenantLimits = UNLIMITED,
) -> SubmissionDesk:
    builder = SubmissionBuilder(
        "mx1.example.com",
        lambda: UnixMs(1_795_317_149_000),
        lambda: ID,
        no_partition if is_broken else lambda _: PartitionNumber(0),
        ListenerLimits(),
        60.0,
    )
    rates = KeyRates(LocalRates(), lambda _: rate, lambda _: 1000, lambda: UnixMs(0))
    signatures = RequiredSignatures(Dkim())
    return SubmissionDesk(builder, spool, faults or Faults(), signatures, rates, limits)  # type: ignore[arg-type]


def received(content: bytes = b"From: joe@a.example\r\n\r\nbody\r\n") -> ReceivedMessage:
    return ReceivedMessage(
        envelope=Envelope(reverse_path="joe@a.example", recipients=(RECIPIENT,)),
        content=content,
        client_address="192.0.2.1",
        client_name="client.example",
        protocol="ESMTP",
        listener="127.0.0.1:587",
    )


async def begin(spool: ScriptedSpool, faults: Faults | None = None) -> Acceptance:
    acceptance = desk(spool, faults).accept(received())
    assert isinstance(acceptance, Acceptance)
    return acceptance


async def test_ad1_accepted_is_said_when_the_queue_has_it_and_not_before() -> None:
    spool = ScriptedSpool()
    acceptance = await begin(spool)
    told: list[Accepted | Refusal] = []
    acceptance.on_end(lambda _: told.append(acceptance.outcome()))
    waiting = asyncio.ensure_future(_settled(acceptance))
    await asyncio.sleep(0)
    assert told == []
    assert not waiting.done()
    spool.stored[0].set_result(None)
    assert await waiting == Accepted(ID)
    assert told == [Accepted(ID)]
    ((submission,),) = spool.batches
    assert submission.message_id == ID


async def _settled(acceptance: Acceptance) -> Accepted | Refusal:
    return await acceptance


@pytest.mark.parametrize(
    ("error", "refusal", "reported"),
    [
        (QueueFullError("full"), QUEUE_FULL, []),
        (QueueFailedError("disk"), LOCAL_ERROR, ["queue"]),
        (RuntimeError("unforeseen"), LOCAL_ERROR, ["queue"]),
    ],
)
@pytest.mark.parametrize("when", ["at once", "later"])
async def test_what_goes_wrong_in_the_queue_is_one_refusal_whenever_it_does(
    error: Exception, refusal: Refusal, reported: list[str], when: str
) -> None:
    faults = Faults()
    if when == "at once":
        assert desk(ScriptedSpool(error), faults).accept(received()) == refusal
    else:
        spool = ScriptedSpool()
        acceptance = await begin(spool, faults)
        spool.stored[0].set_exception(error)
        assert await acceptance == refusal
    assert faults.where == reported


async def test_a_fault_of_ours_refuses_one_message_and_is_reported() -> None:
    spool, faults = ScriptedSpool(), Faults()
    assert desk(spool, faults, is_broken=True).accept(received()) == LOCAL_ERROR
    assert faults.where == ["intake"]
    assert spool.batches == []


async def test_what_the_header_rules_refuse_never_reaches_the_queue() -> None:
    spool = ScriptedSpool()
    refusal = desk(spool).accept(received(b"From: a@b\r\nFrom: c@d\r\n\r\n"))
    assert isinstance(refusal, Refusal)
    assert refusal.code == 550
    assert spool.batches == []


async def test_what_is_withdrawn_is_withdrawn_from_the_queue_and_never_accepted() -> None:
    spool, faults = ScriptedSpool(), Faults()
    acceptance = await begin(spool, faults)
    acceptance.withdraw()
    assert spool.stored[0].cancelled()
    assert acceptance.outcome() == LOCAL_ERROR
    assert faults.where == []


async def test_who_is_cancelled_while_it_waits_has_withdrawn_the_message() -> None:
    spool = ScriptedSpool()
    waiting = asyncio.ensure_future(_settled(await begin(spool)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert spool.stored[0].cancelled()


async def test_who_may_submit_may_write_to_anybody() -> None:
    assert desk(ScriptedSpool()).may_receive(RECIPIENT) is None


async def test_what_is_over_the_rate_of_its_key_is_put_off_and_not_queued() -> None:
    spool = ScriptedSpool()
    counter = desk(spool, rate=1)
    assert isinstance(counter.accept(received()), Acceptance)
    refusal = counter.accept(received())
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.enhanced) == (451, "4.7.1")
    assert len(spool.batches) == 1


class Plans:
    """A tenant's limits, on a queue in memory."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def terms(self, tenant: str) -> Terms:
        return self._plan.terms(tenant)

    def find_refusal(self, _tenant: str, stream: str, pool: str | None) -> str | None:
        return self._plan.find_refusal(stream, pool)


async def taken(plan: Plan, count: int) -> tuple[list[Accepted | Refusal], MemorySpool]:
    """Return what became of so many messages of one recipient each."""
    clock = FakeClock(1_795_317_149_000)
    spool, new_id = MemorySpool(clock), make_ids(clock)
    found: list[Accepted | Refusal] = []
    for _ in range(count):
        builder = SubmissionBuilder(
            "mx", clock, new_id, lambda _: PartitionNumber(0), ListenerLimits(), 60.0
        )
        rates = KeyRates(LocalRates(), lambda _: None, lambda _: 1000, clock)
        signatures = RequiredSignatures(Dkim())
        one = SubmissionDesk(builder, spool, Faults(), signatures, rates, Plans(plan))
        acceptance = one.accept(received())
        found.append(acceptance if isinstance(acceptance, Refusal) else await acceptance)
    return found, spool


async def test_what_is_over_its_tenants_quota_is_put_off_until_a_time() -> None:
    found, spool = await taken(Plan(per_day=2), 3)
    assert [type(each) for each in found] == [Accepted, Accepted, Refusal]
    text = (
        "Over the quota of this tenant, 2 recipients per day; try again after"
        " 2026-11-23 00:00:00 UTC"
    )
    assert found[2] == Refusal(451, "4.7.1", text)
    assert len(spool.state.messages) == 2


async def test_what_waits_for_its_quota_is_accepted() -> None:
    found, spool = await taken(Plan(per_day=2, over_quota="wait"), 3)
    assert [type(each) for each in found] == [Accepted] * 3
    dues = sorted(each.due for each in spool.state.deliveries.values())
    assert dues == [1_795_317_149_000, 1_795_317_149_000, 1_795_392_000_000]


async def test_what_no_quota_will_ever_have_room_for_is_refused_for_good() -> None:
    over = OverQuota(quota=Quota(period="hour", limit=5), until=UnixMs(0), too_many=True)
    text = "The message has more recipients than the quota of this tenant, 5 recipients per hour"
    assert quota_refusal(over) == Refusal(550, "5.7.1", text)


async def test_a_stream_that_is_not_in_the_plan_is_refused() -> None:
    found, spool = await taken(Plan(streams=("bulk",)), 1)
    text = "Not allowed: the stream default is not in this tenant's plan: bulk"
    assert found == [Refusal(550, "5.7.1", text)]
    assert spool.state.messages == {}
