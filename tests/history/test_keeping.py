"""Mirrors angarium/history/keeping.py and opening.py."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from angarium.config.schema import Config, History, Listener, Server, Tenancy
from angarium.history import HistoryAwayError
from angarium.history.database import HistoryDatabase
from angarium.history.keeping import HistoryKeeper
from angarium.history.opening import history_url, keeps_of
from angarium.history.reading import SqlReader
from angarium.history.story import StoryFilter
from angarium.history.telling import tell_from_log
from angarium.queue import MessageAccepted, Origin
from angarium.queue.about import About
from tests.history.killed import log_of_many
from tests.history.samples import Log
from tests.service.fake_events import FakeEvents, follow

SEED = (b"one queue's ident", b"another one ......")


def config_of(tmp_path: Path, **history: object) -> Config:
    return Config(
        server=Server(hostname="mx.example.com", data_dir=str(tmp_path)),
        history=msgspec.convert({"of": "all", **history}, History),
    )


def keeper_of(config: Config, events: FakeEvents, log: Log) -> HistoryKeeper:
    return HistoryKeeper(config, events, log.clock, lambda octets: SEED[0][:octets])


def reader_of(config: Config, log: Log) -> SqlReader:
    database = HistoryDatabase(history_url(config), Path(config.server.data_dir))
    return SqlReader(database, log.clock)


async def test_it_follows_the_log_and_answers_other_consumers(tmp_path: Path, log: Log) -> None:
    message_id = log.accept(about=About(subject="s"))
    log.happen("delivered", message_id)
    events = FakeEvents([each.event for each in log.positions])
    keeper = keeper_of(config_of(tmp_path), events, log)
    assert keeper.projected_to() == 0
    with pytest.raises(HistoryAwayError):
        await keeper.abouts([message_id])
    await follow(events, keeper)
    assert keeper.projected_to() == 2
    assert (await keeper.abouts([message_id]))[message_id].about.subject == "s"
    await keeper.close()


async def test_a_lost_acknowledgement_repeats_nothing(tmp_path: Path, log: Log) -> None:
    """HD1"""
    message_id = log.accept()
    log.happen("delivered", message_id)
    events = FakeEvents([each.event for each in log.positions])
    events.state = SEED[1][:16]
    events.loses_acks = True
    config = config_of(tmp_path)
    for _ in range(2):
        keeper = keeper_of(config, events, log)
        await follow(events, keeper)
        await keeper.close()
    reader = reader_of(config, log)
    assert reader.find("default", message_id) == tell_from_log(log.of(message_id), log.clock())
    reader.close()


async def test_a_file_that_is_gone_is_built_anew_from_what_is_kept(
    tmp_path: Path, log: Log
) -> None:
    message_id = log.accept()
    events = FakeEvents([each.event for each in log.positions])
    config = config_of(tmp_path)
    for _ in range(2):
        for path in tmp_path.glob("history.db*"):
            path.unlink()
        keeper = keeper_of(config, events, log)
        await follow(events, keeper)
        await keeper.close()
    assert events.position == 1
    reader = reader_of(config, log)
    assert reader.find("default", message_id) is not None
    reader.close()


async def test_the_queues_identity_is_with_the_queue_before_it_is_in_the_database(
    tmp_path: Path, log: Log
) -> None:
    events = FakeEvents([])
    keeper = keeper_of(config_of(tmp_path), events, log)
    await keeper.begin(await events.register("history"))
    assert events.state == SEED[0][:16]
    await keeper.begin(await events.register("history"))
    assert events.acks == 1
    await keeper.close()


async def test_what_is_old_goes_by_itself(tmp_path: Path, log: Log) -> None:
    old = log.accept()
    log.clock.now += 8 * 86_400_000
    young = log.accept()
    events = FakeEvents([each.event for each in log.positions])
    config = config_of(tmp_path, keep_days=7)
    keeper = keeper_of(config, events, log)
    await follow(events, keeper)
    forgetting = asyncio.create_task(keeper.forget_old())
    reader = reader_of(config, log)
    async with asyncio.timeout(60):
        while reader.find("default", old) is not None:
            await asyncio.sleep(0.01)
    forgetting.cancel()
    await asyncio.gather(forgetting, return_exceptions=True)
    assert reader.find("default", young) is not None
    reader.close()
    await keeper.close()


async def settled(keeper: HistoryKeeper) -> None:
    """Until what was asked of the writer's thread so far is done."""
    for _ in range(3):
        await asyncio.sleep(0)
        await asyncio.get_running_loop().run_in_executor(keeper._writer, lambda: None)


async def test_nothing_is_forgotten_before_there_is_a_history(
    tmp_path: Path, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    events = FakeEvents([])
    keeper = keeper_of(config_of(tmp_path), events, log)
    forgetting = asyncio.create_task(keeper.forget_old())
    await settled(keeper)
    assert caplog.records == []
    await keeper.begin(await events.register("history"))
    await settled(keeper)
    assert caplog.records == []
    forgetting.cancel()
    await asyncio.gather(forgetting, return_exceptions=True)
    await keeper.close()


@pytest.mark.parametrize(
    ("history", "tenancy", "url"),
    [
        ("", "sqlite:///platform.db", "sqlite:///history.db"),
        ("", "postgresql://a@b/c", "postgresql://a@b/c"),
        ("postgresql://d@e/f", "postgresql://a@b/c", "postgresql://d@e/f"),
        ("sqlite:///other.db", "postgresql://a@b/c", "sqlite:///other.db"),
    ],
)
def test_it_is_in_a_file_of_its_own_or_where_tenants_are(
    history: str, tenancy: str, url: str
) -> None:
    config = Config(
        server=Server(hostname="mx.example.com"),
        history=History(database=history),
        tenancy=Tenancy(database=tenancy),
    )
    assert history_url(config) == url


@pytest.mark.parametrize(
    ("of", "kept"),
    [("all", ["smtp", "http"]), ("api", ["http"]), ("none", [])],
)
def test_of_which_mail_there_is_a_history(
    tmp_path: Path, log: Log, of: str, kept: list[str]
) -> None:
    log.accept(campaign="smtp")
    log.accept(campaign="http", origin=Origin(kind="api"))
    log.accept(campaign="ours", origin=Origin(kind="dsn"))
    keeps = keeps_of(config_of(tmp_path, of=of))
    events = [each.event for each in log.positions]
    assert [e.campaign for e in events if isinstance(e, MessageAccepted) and keeps(e)] == kept


def test_by_default_there_is_one_where_http_is_served() -> None:
    server = Server(hostname="mx.example.com")
    http = Listener(kind="http", address="127.0.0.1:8025")
    assert Config(server=server).history_of == "none"
    assert Config(server=server, listener=(http,)).history_of == "all"
    assert Config(server=server, listener=(http,), history=History(of="none")).history_of == "none"


KILLED = """
import sys
from pathlib import Path
from tests.history.conftest import History
from tests.history.killed import log_of_many
from angarium.history.database import HistoryDatabase
from tests.history.samples import QUEUE

log = log_of_many()
history = History(HistoryDatabase("sqlite:///history.db", Path(sys.argv[1])), log)
start = history.projection.begin(QUEUE, log.last)
while start < log.last:
    history.projection.write(log.positions[start : start + 7])
    start = history.projection.position
    print(start, flush=True)
"""


def test_killed_at_any_instant_it_has_each_event_once(tmp_path: Path) -> None:
    """HD1"""
    log = log_of_many()
    seen = [0]
    for kill_after in (3, 9, 20, 10**9):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        for number, line in enumerate(process.stdout):
            seen.append(int(line))
            if number == kill_after:
                process.send_signal(signal.SIGKILL)
                break
        process.stdout.close()
        process.wait(60)
    assert seen[-1] == log.last
    database = HistoryDatabase("sqlite:///history.db", tmp_path)
    reader = SqlReader(database, log.clock)
    assert reader.position() == log.last
    stories = reader.list("default", StoryFilter(), None, 1000).stories
    ids = {each.event.message_id for each in log.positions}
    assert len(stories) == len(ids)
    for each in ids:
        assert reader.find("default", each) == tell_from_log(log.of(each), log.clock())
    database.close()
