"""Mirrors angarium/analytics/keeping.py: exactly once, whatever is lost or killed."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from angarium.analytics.asked import StatsQuery
from angarium.analytics.counter_file import CounterView
from angarium.analytics.counters import HOUR_MS
from angarium.analytics.keeping import ANALYTICS, CounterKeeper
from angarium.analytics.reading import CounterReader
from angarium.analytics.rebuilding import Rebuilt
from angarium.config.schema import Analytics, Config, Server
from angarium.queue.event_log import KeptBack
from tests.analytics.conftest import Counted
from tests.history.killed import log_of_many
from tests.history.samples import QUEUE, Log
from tests.queue.samples import START
from tests.service.fake_events import FakeEvents, follow

SEED = b"one queue's identity"


def keeper_of(folder: Path, events: FakeEvents, log: Log, keep_days: int = 90) -> CounterKeeper:
    config = Config(
        server=Server(hostname="mx.example.com", data_dir=str(folder)),
        analytics=Analytics(keep_days=keep_days),
    )
    return CounterKeeper(config, events, log.clock, lambda octets: SEED[:octets])


def total_in(folder: Path) -> dict[str, int]:
    """What is not zero, ever."""
    reader = CounterReader(CounterView(folder))
    first = START // HOUR_MS - 24
    page = reader.ask(StatsQuery(first=first, end=first + 8000, tenant="default"))
    reader.close()
    return {name: n for row in page.rows for name, n in row.counts.items() if n}


async def test_a_lost_acknowledgement_repeats_nothing(tmp_path: Path, log: Log) -> None:
    """CWR1"""
    message_id = log.accept()
    log.happen("opened", message_id)
    events = FakeEvents([each.event for each in log.positions])
    events.state = SEED[:16]
    events.loses_acks = True
    for _ in range(2):
        keeper = keeper_of(tmp_path, events, log)
        await follow(events, keeper)
        await keeper.close()
    assert events.position == 0
    assert total_in(tmp_path) == {"accepted": 1, "opened": 1}


async def test_a_file_that_is_gone_is_counted_anew_from_what_is_kept(
    tmp_path: Path, log: Log
) -> None:
    log.accept()
    events = FakeEvents([each.event for each in log.positions])
    for _ in range(2):
        keeper = keeper_of(tmp_path, events, log)
        await follow(events, keeper)
        await keeper.close()
        assert total_in(tmp_path) == {"accepted": 1}
        for each in tmp_path.glob("analytics.db*"):
            each.unlink()
    assert events.position == 1


async def test_the_queues_identity_is_with_the_queue_before_it_is_in_the_file(
    tmp_path: Path, log: Log
) -> None:
    events = FakeEvents([])
    keeper = keeper_of(tmp_path, events, log)
    for _ in range(2):
        await keeper.begin(await events.register(ANALYTICS))
    assert (events.state, events.acks) == (SEED[:16], 1)
    await keeper.close()


async def test_what_is_old_goes_by_itself_as_a_reload_says(tmp_path: Path, log: Log) -> None:
    log.happen("delivered", log.accept())
    log.clock.now += 8 * 86_400_000
    log.accept()
    events = FakeEvents([each.event for each in log.positions])
    keeper = keeper_of(tmp_path, events, log)
    await follow(events, keeper)
    keeper.exchange(keeper_of(tmp_path, events, log, keep_days=7)._config)
    forgetting = asyncio.create_task(keeper.forget_old())
    async with asyncio.timeout(60):
        while total_in(tmp_path) != {"accepted": 1}:
            await asyncio.sleep(0.01)
    forgetting.cancel()
    await asyncio.gather(forgetting, return_exceptions=True)
    await keeper.close()


async def test_where_many_events_wait_they_are_written_together(tmp_path: Path, log: Log) -> None:
    """CWR1, EF3"""
    for _ in range(30):
        log.happen("delivered", log.accept())
    events = FakeEvents([each.event for each in log.positions])
    keeper = keeper_of(tmp_path, events, log)
    await keeper.begin(await events.register(ANALYTICS))
    assert await keeper.handle(log.positions[:20]) is KeptBack.YES
    assert total_in(tmp_path) == {}
    assert await keeper.handle(log.positions[20:]) is None
    assert total_in(tmp_path) == {"accepted": 30, "delivered": 30}
    await keeper.close()


async def test_counted_anew_while_events_come_in_each_counts_once(tmp_path: Path, log: Log) -> None:
    """CRB1, CWR1"""
    for _ in range(30):
        log.happen("delivered", log.accept())
    events = FakeEvents([each.event for each in log.positions])
    keeper = keeper_of(tmp_path, events, log)
    await follow(events, keeper)
    log.happen("opened", log.accept())
    events.events += [each.event for each in log.positions[60:]]
    told: list[int] = []
    rebuilt, _ = await asyncio.gather(
        keeper.rebuild(told.append), keeper.handle(log.positions[60:])
    )
    assert isinstance(rebuilt, Rebuilt)
    assert (rebuilt.events, told) == (62, [62])
    assert total_in(tmp_path) == {"accepted": 31, "delivered": 30, "opened": 1}
    await keeper.close()


async def test_who_is_stopped_while_it_counts_anew_has_changed_nothing(
    tmp_path: Path, log: Log
) -> None:
    for _ in range(3):
        log.happen("delivered", log.accept())
    events = FakeEvents([each.event for each in log.positions])
    keeper = keeper_of(tmp_path, events, log)
    await follow(events, keeper)
    rebuilding = asyncio.create_task(keeper.rebuild(lambda _: rebuilding.cancel()))
    with pytest.raises(asyncio.CancelledError):
        await rebuilding
    log.accept()
    events.events.append(log.positions[-1].event)
    await keeper.handle(log.positions[-1:])
    assert total_in(tmp_path) == {"accepted": 4, "delivered": 3}
    await keeper.close()


KILLED = """
import sys
from pathlib import Path
from tests.analytics.conftest import Counted
from tests.history.killed import log_of_many

log = log_of_many()
counted = Counted(Path(sys.argv[1]), log)
while counted.writer.position < log.last:
    start = counted.writer.position
    counted.writer.write(log.positions[start : start + 7])
    print(start, flush=True)
"""


@pytest.mark.slow
def test_killed_at_any_instant_it_has_counted_each_event_once(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """CWR1"""
    log = log_of_many()
    for kill_after in (3, 9, 20, 10**9):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        for number, _ in enumerate(process.stdout):
            if number == kill_after:
                process.send_signal(signal.SIGKILL)
                break
        process.stdout.close()
        process.wait(60)
    killed, whole = Counted(tmp_path, log), Counted(tmp_path_factory.mktemp("whole"), log)
    whole.catch_up()
    assert killed.writer.begin(QUEUE, log.last) == log.last
    assert killed.everything() == whole.everything()
    assert whole.total()["accepted"] == 240
    killed.close()
    whole.close()
