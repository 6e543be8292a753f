"""Mirrors angarium/service/platform/event_follower.py and event_counts.py."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from angarium.queue import (
    Attempt,
    AttemptFailed,
    Bounced,
    Delivered,
    Event,
    EventCursor,
    InDoubt,
    MessageAccepted,
    MessageId,
    Origin,
    Position,
    RecipientSuppressed,
    UnixMs,
    message_id_ms,
)
from angarium.service.platform import event_counts, event_follower
from angarium.service.platform.event_counts import EventCounts
from angarium.service.platform.event_follower import EventFollower, KeptBack, NotNowError
from angarium.service.platform.provider_labels import ProviderLabels
from angarium.telemetry.metrics import Metrics
from tests.service.fake_events import FakeEvents, follow

AT = UnixMs(1_795_000_000_000)
ID = MessageId(bytes(16))
LABELS = ProviderLabels(())


def accepted() -> Event:
    return MessageAccepted(
        at=AT,
        message_id=ID,
        tenant="default",
        stream="default",
        reverse_path="a@example.com",
        recipients=("b@example.net", "c@example.net"),
        size_octets=100,
        message_id_header="<1@example.com>",
        origin=Origin(kind="cli"),
    )


def failed(code: int, stage: str) -> Event:
    return AttemptFailed(**fields(), attempts=1, attempt=attempt(code, stage), due=AT)  # type: ignore[arg-type]


def fields() -> dict[str, object]:
    return {
        "at": AT,
        "message_id": ID,
        "tenant": "default",
        "stream": "default",
        "index": 0,
        "recipient": "b@example.net",
        "reverse_path": "a@example.com",
    }


def attempt(code: int, stage: str) -> Attempt:
    return Attempt(
        at=AT,
        host="",
        address="",
        source="",
        code=code,
        enhanced="",
        text="",
        tls="",
        stage=stage,
    )


async def test_suppressed_recipients_are_counted_by_reason() -> None:
    fields_ = {**fields(), "attempts": 0, "attempt": attempt(0, ""), "scope": "all"}
    events = FakeEvents(
        [
            RecipientSuppressed(**fields_, cause=cause)  # type: ignore[arg-type]
            for cause in ("complaint", "user_unknown", "complaint", "virus")
        ]
    )
    metrics = Metrics()
    await follow(events, EventCounts(metrics, LABELS))
    text = metrics.render().decode()
    assert 'angarium_suppressed_recipients_total{reason="complaint"} 2.0' in text
    assert 'angarium_suppressed_recipients_total{reason="other"} 1.0' in text
    assert 'angarium_deliveries_total{outcome="suppressed"} 4.0' in text


class Recorder:
    """A consumer that fails as often as it is told."""

    name = "recorder"

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.begun = 0
        self.handled: list[int] = []
        self.has_all = asyncio.Event()
        self.wanted = 0

    async def begin(self, cursor: EventCursor) -> int:
        self.begun += 1
        self._fail()
        return cursor.position

    async def handle(self, batch: Sequence[Position]) -> None:
        self._fail()
        self.handled += [each.sequence for each in batch]
        if len(self.handled) >= self.wanted:
            self.has_all.set()

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("no room")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POLL_S", "ACK_S", "FIRST_RETRY_S", "LAST_RETRY_S"):
        monkeypatch.setattr(event_follower, name, 0.001)
    monkeypatch.setattr(event_follower, "BATCH", 3)


async def test_every_event_is_handled_in_order_and_acknowledged_at_the_end() -> None:
    events, consumer = FakeEvents([accepted() for _ in range(10)]), Recorder()
    await follow(events, consumer)
    assert consumer.handled == list(range(1, 11))
    assert events.position == 10


async def test_ef1_what_was_not_acknowledged_comes_again_after_a_crash() -> None:
    events = FakeEvents([accepted() for _ in range(4)])
    events.loses_acks = True
    await follow(events, Recorder())
    events.loses_acks = False
    again = Recorder()
    await follow(events, again)
    assert again.handled == [1, 2, 3, 4]
    after = Recorder()
    await follow(events, after)
    assert after.handled == []


async def test_ef2_a_failing_consumer_is_asked_again_and_nothing_is_passed_over() -> None:
    events, consumer = FakeEvents([accepted() for _ in range(7)]), Recorder(failures=5)
    consumer.wanted = 7
    stop = asyncio.Event()
    task = asyncio.create_task(EventFollower(events, consumer).run(stop))
    await asyncio.wait_for(consumer.has_all.wait(), 10)
    stop.set()
    await asyncio.wait_for(task, 10)
    assert consumer.handled == [1, 2, 3, 4, 5, 6, 7]
    assert consumer.begun == 6
    assert events.position == 7


async def test_one_that_fails_for_ever_still_stops() -> None:
    events, consumer = FakeEvents([accepted()]), Recorder(failures=10**9)
    await follow(events, consumer)
    assert events.position == 0


async def test_a_consumer_that_is_to_stop_fails_silently_and_gets_its_batch_after_the_next_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Stopping(Recorder):
        async def handle(self, batch: Sequence[Position]) -> None:
            raise NotNowError

    events = FakeEvents([accepted() for _ in range(2)])
    await follow(events, Stopping())
    assert (events.position, caplog.records) == (0, [])
    again = Recorder()
    await follow(events, again)
    assert again.handled == [1, 2]


async def test_acknowledgements_are_not_one_per_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_follower, "ACK_S", 1000.0)
    events, consumer = FakeEvents([accepted() for _ in range(300)]), Recorder()
    await follow(events, consumer)
    assert len(consumer.handled) == 300
    assert events.acks <= 2


async def test_events_are_counted_for_the_metrics() -> None:
    metrics = Metrics()
    bounced = Bounced(**fields(), attempts=2, attempt=attempt(550, "made up"))  # type: ignore[arg-type]
    doubt = InDoubt(**fields())  # type: ignore[arg-type]
    events = FakeEvents([accepted(), failed(451, "rcpt"), doubt, bounced, failed(0, "final_dot")])
    await follow(events, EventCounts(metrics, LABELS))
    text = metrics.render().decode()
    assert "angarium_accepted_bytes_total 100.0" in text
    assert "angarium_accepted_recipients_total 2.0" in text
    assert 'angarium_deliveries_total{outcome="deferred"} 2.0' in text
    assert 'angarium_deliveries_total{outcome="bounced"} 1.0' in text
    assert 'angarium_attempts_total{reply="4",stage="rcpt"} 1.0' in text
    assert 'angarium_attempts_total{reply="5",stage="other"} 1.0' in text
    assert "angarium_in_doubt_total 2.0" in text


async def test_bounces_are_counted_by_what_they_mean() -> None:
    texts = ("550 5.1.1 no such user", "550 no such user", "550 5.7.1 your IP is blacklisted", "?")
    bounces = [
        Bounced(
            **fields(),  # type: ignore[arg-type]
            attempts=1,
            attempt=msgspec.structs.replace(attempt(550, "rcpt"), enhanced="", text=text),
        )
        for text in texts
    ]
    events = FakeEvents([*bounces, failed(451, "rcpt")])
    for _ in range(2):  # over a restart, too
        metrics = Metrics()
        await follow(events, EventCounts(metrics, LABELS))
        lines = metrics.render().decode().splitlines()
        assert [each for each in lines if each.startswith("angarium_bounces_total")] == [
            'angarium_bounces_total{class="user_unknown"} 2.0',
            'angarium_bounces_total{class="blocked"} 1.0',
            'angarium_bounces_total{class="undetermined"} 1.0',
        ]


async def test_each_repair_is_counted() -> None:
    metrics = Metrics()
    mended = ((), ("line_ends", "raw_utf8"), ("raw_utf8", "of a newer version"))
    events = FakeEvents([msgspec.structs.replace(accepted(), repairs=each) for each in mended])  # type: ignore[type-var]
    await follow(events, EventCounts(metrics, LABELS))
    text = metrics.render().decode()
    for repair, number in (("line_ends", 1), ("raw_utf8", 2), ("other", 1), ("mbox_line", 0)):
        assert f'angarium_repairs_total{{repair="{repair}"}} {number}.0' in text


async def test_ec1_each_event_counts_once_whatever_was_shown_or_acknowledged_before_a_crash() -> (
    None
):
    """The metrics' files outlive the process, as here the object does; what was acknowledged is on disk."""
    metrics = Metrics()
    events = FakeEvents([accepted() for _ in range(5)])
    await follow(events, EventCounts(metrics, LABELS))
    events.events += [accepted(), accepted()]
    events.loses_acks = True
    await follow(events, EventCounts(metrics, LABELS))  # counted and shown, then killed
    assert "angarium_accepted_messages_total 7.0" in metrics.render().decode()
    events.loses_acks = False
    events.events.append(accepted())
    await follow(events, EventCounts(metrics, LABELS))
    assert "angarium_accepted_messages_total 8.0" in metrics.render().decode()
    fresh = Metrics()  # the server was started anew: its metrics are, too
    await follow(events, EventCounts(fresh, LABELS))
    assert "angarium_accepted_messages_total 8.0" in fresh.render().decode()


def delivered(provider: str, after_ms: int) -> Event:
    event = fields() | {"at": UnixMs(message_id_ms(ID) + after_ms)}
    reply = msgspec.structs.replace(attempt(250, "final_dot"), provider=provider)
    return Delivered(**event, attempts=1, attempt=reply)  # type: ignore[arg-type]


async def test_ec1_outcomes_by_provider_and_times_of_delivery_count_once_over_restarts() -> None:
    events = FakeEvents(
        [
            delivered("gmail", 700),
            delivered("(mx).example.net", 90_000),
            delivered("gmail", 10**9),
            failed(451, "rcpt"),
        ]
    )
    for _ in range(2):
        metrics = Metrics()
        await follow(events, EventCounts(metrics, LABELS))
        text = metrics.render().decode()
        name = "angarium_provider_deliveries_total"
        assert f'{name}{{outcome="delivered",provider="gmail"}} 2.0' in text
        assert f'{name}{{outcome="delivered",provider="other"}} 1.0' in text
        assert f'{name}{{outcome="deferred",provider="other"}} 1.0' in text
        assert 'angarium_delivery_seconds_bucket{le="0.5"} 0.0' in text
        assert 'angarium_delivery_seconds_bucket{le="1.0"} 1.0' in text
        assert 'angarium_delivery_seconds_bucket{le="300.0"} 2.0' in text
        assert "angarium_delivery_seconds_count 3.0" in text
        assert "angarium_delivery_seconds_sum 1.0000907e+06" in text


async def test_providers_that_were_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_counts, "MAX_PROVIDER_COUNTS", 1)
    events = FakeEvents([delivered("gmail", 1), delivered("outlook", 1)])
    metrics = Metrics()
    await follow(events, EventCounts(metrics, LABELS))
    text = metrics.render().decode()
    assert '{outcome="delivered",provider="gmail"} 1.0' in text
    assert '{outcome="delivered",provider="other"} 1.0' in text
    assert "outlook" not in text


class Hoarder:
    """Writes what it has handled only when it is told to."""

    name = "hoarder"

    def __init__(self) -> None:
        self.handled: list[int] = []
        self.writes = False

    async def begin(self, cursor: EventCursor) -> int:
        return cursor.position

    async def handle(self, batch: Sequence[Position]) -> KeptBack | None:
        self.handled.append(len(batch))
        return None if self.writes else KeptBack.YES


async def test_ef3_what_is_kept_back_is_acknowledged_once_it_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_follower, "ACK_S", 0.0)
    events, hoarder = FakeEvents([accepted()] * 3), Hoarder()
    follower = EventFollower(events, hoarder)
    await follower.register()
    await follower.step()
    assert (hoarder.handled, events.position) == ([3], 0)
    events.events.append(accepted())
    await follower.step()
    assert (hoarder.handled, events.position) == ([3, 1], 0)
    hoarder.writes = True
    await follower.step()  # nothing new: it is asked to write all the same
    assert (hoarder.handled, events.position) == ([3, 1, 0], 4)
    await follower.step()
    assert hoarder.handled == [3, 1, 0]  # and then it is left alone
