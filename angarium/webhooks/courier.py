"""Tells endpoints what the outbox has for them: each its own lane, so that a slow one delays nobody else.

Knows neither what is told nor how it is signed: ``Letters`` does. What is in memory is a cache of the outbox.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, Protocol, TypeVar

import msgspec

from angarium.queue.model import UnixMs
from angarium.telemetry.log import log, log_exception
from angarium.webhooks.caller import Answered
from angarium.webhooks.delivery import Delivery, Health, Outcome
from angarium.webhooks.outbox import Outbox, OutboxError
from angarium.webhooks.outbox_thread import OutboxThread
from angarium.webhooks.retry import GONE, has_failed_too_long, health_after, next_attempt

POLL_S: Final = 0.25  # for what other processes have changed, and what has become due
PAGE: Final = 64  # deliveries of one endpoint that are read at a time
GRACE_S: Final = 2.0  # for what is under way when the server stops: it is told again otherwise
RETRY_S: Final = 5.0  # of an outbox that cannot be used
# Ours: after so many failures in a row, an endpoint is asked one thing at a time until it answers
PATIENCE: Final = 20

T = TypeVar("T")


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery as it is sent."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    # Of what it tells, for sinks that are no web servers
    type: str = ""  # email.delivered
    event_id: str = ""
    key: str = ""  # what is told in order: the message's id, else the event's


class Undeliverable(msgspec.Struct, frozen=True, kw_only=True):
    """Its endpoint wants nothing, or is no more (``is_gone``)."""

    reason: str
    is_gone: bool = False


class Letters(Protocol):
    def refusal(self, endpoint: str) -> Undeliverable | None:
        """Return why nothing is to be told to an endpoint; None: it may."""
        ...

    def write(self, delivery: Delivery, now: UnixMs) -> Letter | Undeliverable: ...


class Posts(Protocol):
    async def post(self, letter: Letter) -> Answered: ...


# Called with an endpoint that has failed for too long, since when, and what it said last
TurnOff = Callable[[str, UnixMs, str], Awaitable[None]]


class _Lane:
    """Of one endpoint."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.due: UnixMs | None = None  # when there may be something to read
        self.ready: deque[Delivery] = deque()
        self.busy: set[int] = set()  # in ``ready``, under way, or not yet settled
        self.under_way = 0
        self.health: Health | None = None  # None: not read yet

    def wake(self, due: UnixMs) -> None:
        self.due = due if self.due is None else min(self.due, due)


class Courier:
    """Invariant CO1: to one endpoint at most ``connections`` requests are under way, to one that fails only one.

    Invariant CO2: a delivery is under way once at a time, and what came of it is written before it is tried again.
    """

    def __init__(
        self,
        outbox: OutboxThread,
        letters: Letters,
        posts: Posts,
        clock: Callable[[], UnixMs],
        turn_off: TurnOff,
        count: Callable[[Outcome], None],
        *,
        connections: int,
    ) -> None:
        self.posts = posts  # exchanged by a reload
        self.connections = connections
        self._outbox = outbox
        self._letters = letters
        self._clock = clock
        self._turn_off = turn_off
        self._count = count
        self._lanes: dict[str, _Lane] = {}
        self._outcomes: list[Outcome] = []
        self._settling = asyncio.Event()
        self._woken = asyncio.Event()
        self._told: set[str] = set()  # endpoints that have something new
        self._version = -1
        self._looked_at = -POLL_S
        self._requests: set[asyncio.Task[None]] = set()
        self._is_troubled = False

    @property
    def under_way(self) -> int:
        """Requests, now."""
        return len(self._requests)

    def wake(self, endpoints: Iterable[str]) -> None:
        """This process has put something in the outbox for them."""
        self._told.update(endpoints)
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Tell until ``stop``; then what is under way has GRACE_S, and is settled."""
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            settler = tasks.create_task(self._settle_until(ended))
            async with asyncio.TaskGroup() as requests:
                while not stop.is_set():
                    await self._look()
                    await self._refill()
                    self._start(requests)
                    await self._rest(stop)
                if self._requests:
                    await asyncio.wait(self._requests, timeout=GRACE_S)
                for request in self._requests:
                    request.cancel()
            ended.set()
            self._settling.set()
            await settler

    async def _ask(self, act: Callable[[Outbox], T]) -> T:
        """Return what ``act`` does, however long that takes: without the outbox nothing can be told."""
        while True:
            try:
                found = await self._outbox.run(act)
            except (OutboxError, sqlite3.Error) as error:
                if not self._is_troubled:
                    log("webhooks_outbox_failed", "error", problem=str(error))
                self._is_troubled = True
                await asyncio.sleep(RETRY_S)
            else:
                self._is_troubled = False
                return found

    async def _look(self) -> None:
        """See what has come into the outbox, and whose endpoint is to be told nothing any more."""
        now = self._clock()
        told, self._told = self._told, set()
        for endpoint in told:
            self._lane(endpoint).wake(now)
        at = asyncio.get_running_loop().time()
        if at - self._looked_at < POLL_S:
            return
        self._looked_at = at
        version = await self._ask(lambda outbox: outbox.version())
        if version != self._version:
            self._version = version
            for endpoint, due in (await self._ask(lambda outbox: outbox.waiting())).items():
                self._lane(endpoint).wake(due)
        for lane in list(self._lanes.values()):
            if lane.due is None and not lane.busy:
                del self._lanes[lane.endpoint]
            elif (refusal := self._letters.refusal(lane.endpoint)) is not None:
                await self._drop(lane, refusal)

    def _lane(self, endpoint: str) -> _Lane:
        return self._lanes.setdefault(endpoint, _Lane(endpoint))

    async def _drop(self, lane: _Lane, refusal: Undeliverable) -> None:
        lane.busy.difference_update(each.id for each in lane.ready)
        lane.ready.clear()
        lane.due = None
        if refusal.is_gone:
            await self._ask(lambda outbox: outbox.forget(lane.endpoint))
        else:
            now = self._clock()
            await self._ask(lambda outbox: outbox.give_up(lane.endpoint, refusal.reason, now))
            # Whoever enables it again has mended it
            await self._ask(lambda outbox: outbox.well(lane.endpoint))
            lane.health = Health()

    async def _refill(self) -> None:
        now = self._clock()
        for lane in list(self._lanes.values()):
            if lane.due is None or lane.due > now or len(lane.ready) >= self._room(lane):
                continue
            lane.due = None  # what becomes due meanwhile says so again
            found, later = await self._read(lane, now)
            lane.ready += found
            lane.busy.update(each.id for each in found)
            if later is not None:
                lane.wake(later)

    async def _read(self, lane: _Lane, now: UnixMs) -> tuple[list[Delivery], UnixMs | None]:
        if lane.health is None:
            lane.health = await self._ask(lambda outbox: outbox.health(lane.endpoint))
        busy = frozenset(lane.busy)
        return await self._ask(lambda outbox: outbox.due(lane.endpoint, now, PAGE, busy))

    def _room(self, lane: _Lane) -> int:
        failures = lane.health.failures if lane.health is not None else 0
        return 1 if failures >= PATIENCE else self.connections

    def _start(self, requests: asyncio.TaskGroup) -> None:
        for lane in self._lanes.values():
            while lane.ready and lane.under_way < self._room(lane):  # CO1
                lane.under_way += 1
                task = requests.create_task(self._carry(lane, lane.ready.popleft()))
                self._requests.add(task)
                task.add_done_callback(self._requests.discard)

    async def _rest(self, stop: asyncio.Event) -> None:
        """Until there may be something to do."""
        if not self._woken.is_set():
            waiter = asyncio.create_task(self._woken.wait())
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait(
                    (waiter, stopping),
                    timeout=self._pause_s(),
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                waiter.cancel()
                stopping.cancel()
        self._woken.clear()

    def _pause_s(self) -> float:
        now = self._clock()
        waits = [
            (lane.due - now) / 1000
            for lane in self._lanes.values()
            if lane.due is not None and len(lane.ready) < self._room(lane)
        ]
        return max(0.001, min([POLL_S, *waits]))

    async def _carry(self, lane: _Lane, delivery: Delivery) -> None:
        begun = self._clock()
        url = delivery.url
        try:
            letter = self._letters.write(delivery, begun)
            if isinstance(letter, Undeliverable):
                lane.busy.discard(delivery.id)
                lane.wake(begun)
                self._looked_at = -POLL_S  # ``_look`` sees to it, at once
                return
            url = letter.url
            answered = await self.posts.post(letter)
        except Exception:  # noqa: BLE001 - a task boundary: one delivery that is at fault ends no others
            log_exception(
                "webhook_failed",
                webhook=lane.endpoint,
                delivery=delivery.id,
                tenant=delivery.tenant,
                message_id=delivery.email_id or None,
            )
            answered = Answered(status=0, text="a fault of ours: its log says more")
        finally:
            lane.under_way -= 1
        self._conclude(lane, delivery, answered, begun=begun, url=url)

    def _conclude(
        self, lane: _Lane, delivery: Delivery, answered: Answered, *, begun: UnixMs, url: str
    ) -> None:
        now = self._clock()
        retry_at = None
        if not answered.is_success:
            retry_at = next_attempt(delivery.attempts + 1, now, answered.retry_after_s)
        self._outcomes.append(
            Outcome(
                delivery=delivery,
                at=begun,
                duration_ms=answered.duration_ms,
                url=url,
                http_status=answered.status,
                text=answered.text,
                is_success=answered.is_success,
                retry_at=retry_at,
            )
        )
        before = lane.health or Health()
        lane.health = health_after(before, now, is_success=answered.is_success)
        self._settling.set()
        self._woken.set()

    async def _settle_until(self, ended: asyncio.Event) -> None:
        while not ended.is_set() or self._outcomes:
            await self._settling.wait()
            self._settling.clear()
            outcomes, self._outcomes = self._outcomes, []
            if outcomes:
                await self._settle(outcomes)

    async def _settle(self, outcomes: list[Outcome]) -> None:
        now = self._clock()
        lanes = {each.delivery.endpoint: self._lanes[each.delivery.endpoint] for each in outcomes}
        healths = {name: lane.health or Health() for name, lane in lanes.items()}
        await self._ask(lambda outbox: outbox.settle(outcomes, healths, now))
        failing: dict[str, Outcome] = {}
        for each in outcomes:
            lane = lanes[each.delivery.endpoint]
            lane.busy.discard(each.delivery.id)  # CO2
            # What has ended may have let another one go
            lane.wake(now if each.retry_at is None else each.retry_at)
            self._tell(each)
            health = healths[lane.endpoint]
            if each.http_status == GONE or has_failed_too_long(health, now):
                failing[lane.endpoint] = each
        for endpoint, last in failing.items():
            since = healths[endpoint].failing_since or now
            await self._turn_off(endpoint, since, last.text or f"HTTP {last.http_status}")
        self._woken.set()

    def _tell(self, outcome: Outcome) -> None:
        self._count(outcome)
        if not outcome.is_success and outcome.retry_at is None:
            log(
                "webhook_given_up",
                "warning",
                webhook=outcome.delivery.endpoint,
                delivery=outcome.delivery.id,
                tenant=outcome.delivery.tenant,
                message_id=outcome.delivery.email_id or None,
                problem=outcome.text,
            )
