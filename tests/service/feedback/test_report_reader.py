"""Mirrors angarium/service/feedback/report_reader.py and lanes.py."""

import asyncio
from collections import Counter

import msgspec
import pytest

from angarium.feedback.classes import BounceClass, verdict_of
from angarium.feedback.marks import Marks
from angarium.feedback.reference import ReferenceKeys, Subject, lane_of
from angarium.feedback.report import Action, MailKind, Report, ReportedRecipient
from angarium.feedback.ses import MESSAGE_TAG
from angarium.queue import Commit, Done, MessageId, PartitionNumber, QueueFullError, UnixMs
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.message_id import message_id_text
from angarium.queue.reports import DAMAGED, ReportedMail, Shelf
from angarium.service.feedback.lanes import LaneRegister, RegisteringMarker
from angarium.service.feedback.report_reader import ReportReader
from angarium.simulator.sns import bounce as ses_bounce
from angarium.simulator.sns import complaint as ses_complaint
from angarium.simulator.sns import event as ses_event
from angarium.simulator.sns import mail as ses_mail
from tests.queue.samples import START, FakeClock, attempt, submission

KEYS = ReferenceKeys({1: bytes(32)}, days=30)
MESSAGE = MessageId(START.to_bytes(6, "big") + bytes(10))
SUBJECT = Subject(
    message_id=MESSAGE, index=0, address="bob@example.net", tenant="acme", stream="news"
)
HARD = verdict_of(BounceClass.USER_UNKNOWN)


def mail(number: int, content: bytes = b"x", via: str = "smtp") -> ReportedMail:
    report = MessageId((START + number).to_bytes(6, "big") + b"\1" * 10)
    return ReportedMail(
        id=report,
        received=UnixMs(START),
        via=via,
        client="192.0.2.9",
        recipients=("token@b.example.com",),
        content=content,
    )


def bounce(reference: str, address: str = "bob@example.net") -> Report:
    recipient = ReportedRecipient(
        address=address, action=Action.FAILED, verdict=HARD, reply="no such user"
    )
    return Report(kind=MailKind.BOUNCE, recipients=(recipient,), references=(reference,))


class Rig:
    """Each mail's content names the report that it is."""

    def __init__(self, reports: dict[bytes, Report]) -> None:
        self.clock = FakeClock()
        self.spool = MemorySpool(self.clock)
        self.said = reports
        self.counts: Counter[tuple[str, str]] = Counter()
        self.envelopes: list[str] = []
        self.null_paths: list[bool] = []
        self.lanes = LaneRegister(self.spool.keepsakes)
        self.reader = ReportReader(
            self.spool.reports, self.lanes, KEYS, self.clock, self.count, self.read
        )

    def count(self, kind: str, outcome: str) -> None:
        self.counts[kind, outcome] += 1

    def read(
        self, octets: bytes, envelope_recipient: str = "", *, has_null_path: bool = False
    ) -> Report:
        self.envelopes.append(envelope_recipient)
        self.null_paths.append(has_null_path)
        return self.said[octets]

    def events(self) -> list[str]:
        return [each.event.name for each in self.spool.events.read(0, 100)]

    def suppressed(self, address: str = "bob@example.net") -> bool:
        return self.spool.suppressions.find(address, "acme", "news") is not None


async def test_what_a_report_leads_to_is_on_disk_with_its_end_rr1() -> None:
    rig = Rig({b"x": bounce(KEYS.token(SUBJECT, START))})
    await rig.spool.reports.accept([mail(1)])
    assert await rig.reader.work() == 1
    assert rig.suppressed()
    assert sorted(rig.events()) == ["report_bounced", "suppression_added"]
    assert rig.spool.reports.count(Shelf.WAITING).reports == 0
    assert rig.counts == {("bounce", "matched"): 1}
    assert rig.envelopes == ["token@b.example.com"]
    assert await rig.reader.work() == 0


@pytest.mark.parametrize("reverse_path", ["", "mailer-daemon@example.net"])
async def test_who_reads_it_is_told_whether_its_path_was_null(reverse_path: str) -> None:
    """Reports have a null reverse path (RFC 3464 section 2), and the mail itself does not say so."""
    rig = Rig({b"1": Report(kind=MailKind.ORDINARY)})
    await rig.spool.reports.accept(
        [msgspec.structs.replace(mail(1, b"1"), reverse_path=reverse_path)]
    )
    assert await rig.reader.work() == 1
    assert rig.null_paths == [not reverse_path]


async def test_a_crash_between_reading_and_settling_repeats_the_reading_only_rr1() -> None:
    rig = Rig({b"x": bounce(KEYS.token(SUBJECT, START))})
    await rig.spool.reports.accept([mail(1)])
    settle = rig.spool.reports.settle

    async def full(*_: object, **__: object) -> None:
        raise QueueFullError("full")

    rig.spool.reports.settle = full  # type: ignore[method-assign, assignment]
    with pytest.raises(QueueFullError):
        await rig.reader.work()
    assert (rig.events(), rig.counts) == ([], {})
    rig.spool.reports.settle = settle  # type: ignore[method-assign]
    await rig.reader.work()
    assert sorted(rig.events()) == ["report_bounced", "suppression_added"]


async def test_the_topic_of_who_wants_no_more_is_looked_up_in_the_log() -> None:
    """No reference has it, however much else it says."""
    token = KEYS.token(SUBJECT, START)
    rig = Rig({b"x": Report(kind=MailKind.UNSUBSCRIBE, references=(token,))})
    await rig.spool.accept(
        [msgspec.structs.replace(submission(MESSAGE, tenant="acme"), topic="offers")]
    )
    await rig.spool.reports.accept([mail(1)])
    assert await rig.reader.work() == 1
    found = rig.spool.suppressions.find("bob@example.net", "acme", "other", "offers")
    assert found is not None
    assert found.scope.text == "tenant:acme/topic:offers"
    assert not rig.suppressed()


async def test_a_reference_without_names_is_looked_up_in_the_log() -> None:
    token = KEYS.local_part(
        Subject(message_id=MESSAGE, index=None, address="", tenant="acme", stream="news"),
        UnixMs(START),
    )
    rig = Rig({b"x": bounce(token, "al@example.net")})
    await rig.spool.accept(
        [submission(MESSAGE, ("al@example.net", "bob@example.net"), tenant="acme")]
    )
    await rig.spool.reports.accept([mail(1)])
    await rig.reader.work()
    assert rig.suppressed("al@example.net")
    assert not rig.suppressed("bob@example.net")


async def test_a_short_reference_needs_no_log_where_its_lane_is_known() -> None:
    rig = Rig({b"x": bounce(KEYS.local_part(SUBJECT, UnixMs(START)))})
    rig.lanes.note("acme", "news")
    await asyncio.sleep(0)
    await rig.spool.reports.accept([mail(1)])
    await rig.reader.work()
    assert rig.suppressed()


async def test_what_is_forged_is_kept_for_review_and_suppresses_nobody_a6() -> None:
    forged = ReferenceKeys({1: bytes(31) + b"!"}, days=30).token(SUBJECT, UnixMs(START))
    rig = Rig({b"x": bounce(forged)})
    await rig.spool.reports.accept([mail(1)])
    await rig.reader.work()
    assert not rig.suppressed()
    assert rig.events() == ["report_unmatched"]
    assert [each.id for each in rig.spool.reports.kept(Shelf.REVIEW, b"", 9)] == [mail(1).id]


async def test_each_recipient_of_a_mail_may_be_its_reference() -> None:
    rig = Rig({b"x": bounce("fbl")})
    rig.lanes.note("acme", "news")
    token = KEYS.local_part(SUBJECT, UnixMs(START))
    both = msgspec.structs.replace(
        mail(1), recipients=("fbl@example.com", f"{token}@b.example.com")
    )
    await rig.spool.reports.accept([both])
    await rig.reader.work()
    assert rig.suppressed()


async def test_a_defect_of_one_report_does_not_stop_the_others() -> None:
    rig = Rig({b"good": bounce(KEYS.token(SUBJECT, START))})
    await rig.spool.reports.accept([mail(1, b"unknown: raises"), mail(2, b"good")])
    assert await rig.reader.work() == 2
    assert rig.suppressed()


async def test_a_change_that_the_store_refuses_costs_that_report_alone() -> None:
    # Only a defect makes an address that is none fit a reference
    odd = Subject(message_id=MESSAGE, index=0, address="no one@", tenant="acme", stream="news")
    token = KEYS.token(odd, START)
    arf = Report(kind=MailKind.ARF, feedback_type="abuse", references=(token,))
    rig = Rig({b"odd": arf, b"good": bounce(KEYS.token(SUBJECT, START))})
    await rig.spool.reports.accept([mail(1, b"odd"), mail(2, b"good")])
    assert await rig.reader.work() == 2
    assert rig.suppressed()
    assert rig.spool.reports.count(Shelf.WAITING).reports == 0
    assert [each.id for each in rig.spool.reports.kept(Shelf.REVIEW, b"", 9)] == [mail(1).id]


async def test_what_the_disk_damaged_is_recorded_and_not_read() -> None:
    rig = Rig({})
    await rig.spool.reports.accept([mail(1, b"", DAMAGED)])
    await rig.reader.work()
    (event,) = [each.event for each in rig.spool.events.read(0, 9)]
    assert getattr(event, "why", "") == "damaged"


async def test_a_lane_is_known_to_the_next_process() -> None:
    spool = MemorySpool(FakeClock())
    register = LaneRegister(spool.keepsakes)
    register.note("acme", "news")
    await asyncio.sleep(0)
    again = LaneRegister(spool.crash().keepsakes)
    assert again.find(lane_of("acme", "news")) == ("acme", "news")
    assert again.find(lane_of("acme", "bulk")) is None


async def test_a_lane_that_could_not_be_written_is_written_with_its_next_message() -> None:
    spool = MemorySpool(FakeClock())
    register, write = LaneRegister(spool.keepsakes), spool.keepsakes.write

    async def full(*_: object) -> None:
        raise QueueFullError("full")

    spool.keepsakes.write = full  # type: ignore[method-assign, assignment]
    register.note("acme", "news")
    for _ in range(3):
        await asyncio.sleep(0)
    spool.keepsakes.write = write  # type: ignore[method-assign]
    register.note("acme", "news")
    await asyncio.sleep(0)
    assert len(spool.keepsakes.read("lane/")) == 1


async def test_marking_notes_the_lane() -> None:
    class Plain:
        def mark(self, *given: object) -> Marks:
            return Marks(reverse_path=str(given[1]), fields=b"")

    spool = MemorySpool(FakeClock())
    marker = RegisteringMarker(Plain(), LaneRegister(spool.keepsakes))  # type: ignore[arg-type]
    assert marker.mark(SUBJECT, "a@example.com", "example.com", b"", UnixMs(0)).reverse_path
    await asyncio.sleep(0)
    assert len(spool.keepsakes.read("lane/")) == 1


# --- notifications of SES


def of_ses(rig: Rig, content: str, number: int = 1) -> ReportedMail:
    del rig
    return mail(number, content.encode(), via="ses")


async def sent(rig: Rig, *recipients: str) -> None:
    await rig.spool.accept([submission(MESSAGE, recipients or ("bob@example.net",), tenant="acme")])


def about(*to: str, tag: bool = True) -> dict[str, object]:
    tags = {MESSAGE_TAG: [message_id_text(MESSAGE)]} if tag else {}
    return ses_mail("0107-x", *to, tags=tags)


async def test_a_notification_is_about_the_message_that_was_sent_along_and_counts_once() -> None:
    rig = Rig({})
    await sent(rig)
    report = of_ses(rig, ses_bounce(about("bob@example.net"), "bob@example.net"))
    for _ in range(2):  # as a copy that came while the first was being read
        await rig.spool.reports.accept([report])
        await rig.reader.work()
    assert rig.events().count("report_bounced") == 1
    assert rig.events().count("suppression_added") == 1
    assert rig.spool.reports.find(Shelf.SES, report.id) is not None


async def test_a_notification_by_ses_s_own_id_finds_the_message_by_the_reply_in_the_log() -> None:
    rig = Rig({})
    await sent(rig)
    partition = await rig.spool.own(PartitionNumber(0), "test")
    heads = partition.due(rig.clock(), 10).heads
    (message,) = await partition.claim(heads)
    relayed = msgspec.structs.replace(attempt(), text="Ok 0107-x")
    done = Done(id=message.recipients[0].id, outcome="relayed", attempt=relayed)
    await partition.commit(Commit(settled=[done]))
    told = ses_bounce(about("bob@example.net", tag=False), "bob@example.net")
    await rig.spool.reports.accept([of_ses(rig, told)])
    await rig.reader.work()
    assert "report_bounced" in rig.events()


async def test_a_notification_about_nobody_s_message_is_kept_and_suppresses_nobody() -> None:
    rig = Rig({})
    await sent(rig)
    for number, told in enumerate(
        (
            ses_bounce(about("bob@example.net", tag=False), "bob@example.net"),
            ses_bounce(about("eve@example.net"), "eve@example.net"),  # not whom we sent it to
        )
    ):
        await rig.spool.reports.accept([of_ses(rig, told, number)])
    await rig.reader.work()
    assert rig.events().count("report_unmatched") == 2
    assert not rig.suppressed("eve@example.net")
    assert not rig.suppressed()


async def test_of_several_who_may_have_complained_nobody_is_suppressed() -> None:
    both = ("al@example.net", "bob@example.net")
    rig = Rig({})
    await sent(rig, *both)
    await rig.spool.reports.accept([of_ses(rig, ses_complaint(about(*both), *both))])
    await rig.reader.work()
    assert "complained" in rig.events()
    assert not rig.suppressed()
    await rig.spool.reports.accept([of_ses(rig, ses_complaint(about(*both), both[1]), 2)])
    await rig.reader.work()
    assert rig.suppressed()
    assert not rig.suppressed("al@example.net")


@pytest.mark.parametrize(
    ("kind", "part", "name"),
    [
        ("Delivery", "delivery", "ses_told"),
        ("Open", "open", "opened"),
        ("Click", "click", "clicked"),
    ],
)
async def test_what_tells_how_far_a_message_is_is_an_event_and_changes_nothing(
    kind: str, part: str, name: str
) -> None:
    rig = Rig({})
    await sent(rig)
    told = ses_event(about("bob@example.net"), kind, part, recipients=["bob@example.net"])
    await rig.spool.reports.accept([of_ses(rig, told)])
    await rig.reader.work()
    assert name in rig.events()
    assert not rig.suppressed()
