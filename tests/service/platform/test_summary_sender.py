"""Mirrors angarium/service/platform/summary_sender.py, analytics/summary/schedule.py and config/summaries_check.py."""

import email
import email.policy
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from angarium.analytics.counters import DAY_MS, HOUR_MS
from angarium.analytics.summary.schedule import last_due
from angarium.config.schema import Analytics, Config, Server
from angarium.config.summaries import MailSummary
from angarium.config.summaries_check import summary_problems
from angarium.queue import Submission, UnixMs
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.terms import AcceptOutcome, Stored, Terms
from angarium.service.platform.summary_sender import SummarySender
from tests.analytics.conftest import Counted
from tests.history.samples import Log

DAY = 20_635  # 2026-07-01
SEVEN = UnixMs((DAY + 1) * DAY_MS + 7 * HOUR_MS)


def summary(**fields: object) -> MailSummary:
    return MailSummary(**{"name": "daily", "to": ("ops@example.com",), **fields})  # type: ignore[arg-type]


class Queue(MemorySpool):
    """It says what was accepted."""

    def __init__(self, clock: Callable[[], UnixMs]) -> None:
        super().__init__(clock)
        self.accepted: list[Submission] = []

    async def accept_on_terms(self, batch: Sequence[Submission], terms: Terms) -> AcceptOutcome:
        outcome = await super().accept_on_terms(batch, terms)
        if isinstance(outcome, Stored):
            self.accepted += batch
        return outcome


class Setting:
    def __init__(self, folder: Path) -> None:
        self.log = Log()
        self.log.clock.now = UnixMs(DAY * DAY_MS)
        self.counted = Counted(folder, self.log)
        self.folder = folder
        self.now = SEVEN
        self.spool = Queue(lambda: self.now)
        self.sender = self.start(summary())

    def start(self, *wishes: MailSummary) -> SummarySender:
        config = Config(
            server=Server(hostname="mx.example.com", data_dir=str(self.folder)), summary=wishes
        )
        return SummarySender(config, self.spool, lambda: self.now)

    def count_one(self, tenant: str = "default") -> None:
        self.log.happen("delivered", self.log.accept(tenant=tenant))
        self.counted.catch_up()


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    setting = Setting(tmp_path)
    yield setting
    setting.sender.close()
    setting.counted.close()


def test_it_is_due_when_the_clock_on_the_wall_says_so() -> None:
    summer, winter = UnixMs(DAY * DAY_MS), UnixMs((DAY + 180) * DAY_MS)
    for now, offset in ((summer, 2), (winter, 1)):
        due = last_due(UnixMs(now + 12 * HOUR_MS), "07:00", "Europe/Berlin")
        assert due == now + (7 - offset) * HOUR_MS
    before = last_due(UnixMs(DAY * DAY_MS + 5 * HOUR_MS), "07:00", "UTC")
    assert before == (DAY - 1) * DAY_MS + 7 * HOUR_MS
    exactly = UnixMs(DAY * DAY_MS + 7 * HOUR_MS)
    assert last_due(exactly, "07:00", "UTC") == exactly
    # 2026-03-29: from 02:00 to 03:00 there is no time in Berlin
    gap = UnixMs(20_541 * DAY_MS)
    assert last_due(UnixMs(gap + 12 * HOUR_MS), "02:30", "Europe/Berlin") == gap + 3 * HOUR_MS // 2


def test_what_is_wrong_with_it_is_named() -> None:
    def problems(*wishes: MailSummary, counts: bool = True) -> list[str]:
        config = Config(
            server=Server(hostname="mx.example.com", data_dir="data"),
            analytics=Analytics(counts=counts),
            summary=wishes,
        )
        return [f"{'.'.join(map(str, each.path))} {each.text}" for each in summary_problems(config)]

    assert problems(summary()) == []
    assert problems(summary(), summary()) == [
        "summary.1.name 'daily' is used twice; names must differ"
    ]
    assert "summary.0.to names nobody" in problems(summary(to=()))[0]
    assert "summary.0.to 'ops' is no address" in problems(summary(to=("ops",)))[0]
    assert "summary.0.at '7' is no time of day" in problems(summary(at="7"))[0]
    assert "summary.0.zone 'Berlin' is no time zone" in problems(summary(zone="Berlin"))[0]
    assert "analytics.counts" in problems(summary(), counts=False)[0]


async def test_a_day_is_told_once_whatever_is_restarted(setting: Setting) -> None:
    """SUM1"""
    setting.count_one()
    await setting.sender.look()
    await setting.sender.look()
    await setting.start(summary()).look()  # the process is another one, the queue the same
    (sent,) = setting.spool.accepted
    assert [each.forward_path for each in sent.envelope.recipients] == ["ops@example.com"]
    assert sent.envelope.reverse_path == ""
    assert sent.origin.kind == "dsn"
    letter = email.message_from_bytes(sent.content, policy=email.policy.default)
    assert letter["Subject"] == "Mail on 2026-07-01"
    assert letter["From"] == "Angarium <postmaster@mx.example.com>"
    assert letter["Auto-Submitted"] == "auto-generated"
    text = letter.get_body(("plain",))
    assert text is not None
    assert "accepted" in text.get_content()
    setting.now = UnixMs(SEVEN + DAY_MS)
    setting.log.clock.now = UnixMs((DAY + 1) * DAY_MS)
    setting.count_one()
    await setting.sender.look()
    assert len(setting.spool.accepted) == 2


async def test_a_day_without_mail_is_told_to_who_wants_it(setting: Setting) -> None:
    setting.count_one("acme")
    await setting.start(summary(tenant="shop")).look()
    assert setting.spool.accepted == []
    await setting.start(summary(tenant="shop", empty=True)).look()
    await setting.start(summary(name="acme", tenant="acme")).look()
    subjects = [_subject(each) for each in setting.spool.accepted]
    assert subjects == ["Mail of shop on 2026-07-01", "Mail of acme on 2026-07-01"]


async def test_what_is_late_by_a_day_is_not_told_any_more(setting: Setting) -> None:
    setting.count_one()
    setting.now = UnixMs(SEVEN + 21 * HOUR_MS)
    await setting.sender.look()
    assert setting.spool.accepted == []


async def test_what_cannot_be_counted_or_queued_is_tried_again(
    setting: Setting,
) -> None:
    setting.count_one()
    setting.spool.low_disk = True
    await setting.sender.look()
    setting.spool.low_disk = False
    await setting.sender.look()
    assert len(setting.spool.accepted) == 1


def _subject(submission: Submission) -> str:
    letter = email.message_from_bytes(submission.content, policy=email.policy.default)
    return str(letter["Subject"])
