"""Mirrors angarium/service/feedback/late_notices.py: who is told what of a report, through the reader."""

import email
from pathlib import Path

import msgspec
import pytest

from angarium.config.schema import Queue
from angarium.feedback.classes import BounceClass, verdict_of
from angarium.feedback.reading import read_mail
from angarium.feedback.reference import Purpose, ReferenceKeys, Subject
from angarium.feedback.report import Action, MailKind, Report, ReportedRecipient
from angarium.mta.dsn import dsn_for
from angarium.mta.record.dsn_limit import DsnLimit
from angarium.queue import (
    ClaimedMessage,
    LmdbSpool,
    MessageAccepted,
    MessageId,
    Origin,
    PartitionNumber,
    QueueFullError,
    ReportBounced,
    Submission,
    UnixMs,
)
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.reports import ReportedMail, Shelf
from angarium.service.feedback.lanes import LaneRegister
from angarium.service.feedback.late_notices import LateNotices
from angarium.service.feedback.report_reader import ReportReader
from angarium.smtp.envelope import NOTIFY_DEFAULT, Notify
from tests.queue.samples import START, FakeClock, make_ids, submission

KEYS = ReferenceKeys({1: bytes(32)}, days=30)
MESSAGE = MessageId(START.to_bytes(6, "big") + bytes(10))
SUBJECT = Subject(
    message_id=MESSAGE, index=0, address="bob@example.net", tenant="acme", stream="news"
)
PATH = f"{KEYS.local_part(SUBJECT, UnixMs(START))}@b.example.com"
HARD = verdict_of(BounceClass.USER_UNKNOWN)
ORIGINAL = (("subject", "the June offer"), ("message-id", "<1@example.com>"), ("x-job", "77"))


def mail(number: int = 1, *recipients: str, content: bytes = b"x") -> ReportedMail:
    return ReportedMail(
        id=MessageId((START + number).to_bytes(6, "big") + b"\1" * 10),
        received=UnixMs(START),
        via="smtp",
        client="192.0.2.9",
        recipients=recipients or (PATH,),
        content=content,
    )


def reported(action: Action = Action.FAILED, address: str = "bob@example.net") -> ReportedRecipient:
    return ReportedRecipient(
        address=address,
        action=action,
        status="5.1.1" if action is Action.FAILED else "2.1.5",
        verdict=HARD,
        reply="550 5.1.1 no such user" if action is Action.FAILED else "",
        remote_host="mx.example.net",
    )


def report(kind: MailKind = MailKind.BOUNCE, *recipients: ReportedRecipient) -> Report:
    return Report(
        kind=kind,
        recipients=recipients or (reported(),),
        references=(KEYS.token(SUBJECT, UnixMs(START)),),
        message_id="1@example.com",
        original=ORIGINAL,
    )


def sent(
    notify: int | None = None, *, sender: str = "alice@example.com", orcpt: str | None = None
) -> Submission:
    made = submission(MESSAGE, tenant="acme", sender=sender, partition=0)
    (bob,) = made.envelope.recipients
    recipient = msgspec.structs.replace(bob, notify=notify, orcpt=orcpt)
    envelope = msgspec.structs.replace(made.envelope, recipients=(recipient,))
    return msgspec.structs.replace(made, envelope=envelope)


class Rig:
    """A reader, and what it reads: each mail says ``said``."""

    def __init__(
        self,
        said: Report | None = None,
        *,
        spool: MemorySpool | LmdbSpool | None = None,
        per_hour: int = 100,
        domain: str | None = "B.example.com",
    ) -> None:
        self.clock = FakeClock()
        self.spool = spool or MemorySpool(self.clock)
        self.said = said
        self.ids = make_ids(self.clock, seed=7)
        self.limit = DsnLimit(per_hour)
        self.reader = ReportReader(
            self.spool.reports,
            LaneRegister(self.spool.keepsakes),
            KEYS,
            self.clock,
            read=self.read,
            notices=LateNotices(domain, self.tell),
        )

    def read(
        self, octets: bytes, envelope_recipient: str = "", *, has_null_path: bool = False
    ) -> Report:
        if self.said is None:
            return read_mail(octets, envelope_recipient, has_null_path=has_null_path)
        return self.said

    def tell(self, message: ClaimedMessage, reports: object) -> Submission | None:
        notice = dsn_for(
            message,
            reports,  # type: ignore[arg-type]
            hostname="mx.example.com",
            now=self.clock(),
            lifetime_ms=1000,
            new_message_id=self.ids,
            partition_of=lambda _: PartitionNumber(0),
        )
        allowed = self.limit.allows(message.envelope.reverse_path, self.clock())
        return notice if allowed else None

    async def take(self, *mails: ReportedMail) -> None:
        await self.spool.reports.accept(mails or [mail()])
        while await self.reader.work():
            pass

    def bounced(self) -> list[str]:
        """What the senders were told, by the events."""
        events = [each.event for each in self.spool.events.read(0, 1000)]
        return [each.sender_told for each in events if isinstance(each, ReportBounced)]

    def notices(self) -> list[str]:
        """The notices that are queued."""
        events = [each.event for each in self.spool.events.read(0, 1000)]
        return [
            (self.spool.content(each.message_id) or b"").decode()
            for each in events
            if isinstance(each, MessageAccepted) and each.origin.kind == "dsn"
        ]


async def test_ln1_a_sender_hears_of_a_bounce_that_came_in_its_place() -> None:
    rig = Rig(report())
    await rig.spool.accept([sent(orcpt="rfc822;bobby@example.org")])
    await rig.take()
    (notice,) = rig.notices()
    assert rig.bounced() == ["told"]
    (event,) = [
        each.event
        for each in rig.spool.events.read(0, 100)
        if isinstance(each.event, MessageAccepted) and each.event.origin.kind == "dsn"
    ]
    assert (event.reverse_path, event.recipients) == ("", ("alice@example.com",))
    assert (event.tenant, event.stream) == ("acme", "news")
    for line in (
        "To: <alice@example.com>",
        "In-Reply-To: <1@example.com>",
        "Original-Envelope-Id: QQ314159",
        "Reporting-MTA: dns; mx.example.com",
        "Original-Recipient: rfc822;bobby@example.org",
        "Final-Recipient: rfc822; bob@example.net",
        "Action: failed",
        "Status: 5.1.1",
        "Remote-MTA: dns; mx.example.net",
        "Diagnostic-Code: smtp; 550 5.1.1 no such user",
        "Content-Type: text/rfc822-headers",
        "Subject: the June offer",
        "X-Job: 77",
    ):
        assert f"\r\n{line}\r\n" in notice
    assert len(email.message_from_string(notice).get_payload()) == 3


@pytest.mark.parametrize(
    "recipients",
    [
        ("fbl@example.com",),
        (f"{PATH.partition('@')[0]}@fbl.example.com",),
        (f"{KEYS.local_part(SUBJECT, UnixMs(START), Purpose.UNSUBSCRIBE)}@b.example.com",),
        (f"{ReferenceKeys({1: bytes(31) + b'!'}, 30).local_part(SUBJECT, UnixMs(START))}@b.example.com",),
    ],
    ids=["feedback address", "other domain", "unsubscribe address", "forged path"],
)  # fmt: skip
async def test_ln1_what_came_elsewhere_is_told_to_nobody(recipients: tuple[str, ...]) -> None:
    """A sender that forwards its notices to a feedback address would otherwise be told for ever (A5)."""
    rig = Rig(report())
    await rig.spool.accept([sent()])
    await rig.take(mail(1, *recipients))
    assert (rig.bounced(), rig.notices()) == ([""], [])


@pytest.mark.parametrize("domain", ["", None])
async def test_ln1_without_a_return_path_domain_nobody_is_told(domain: str | None) -> None:
    rig = Rig(report(), domain=domain)
    await rig.spool.accept([sent()])
    await rig.take()
    assert (rig.bounced(), rig.notices()) == ([""], [])


async def test_what_no_reference_vouches_for_is_told_to_nobody_a5() -> None:
    forger = ReferenceKeys({1: bytes(31) + b"!"}, days=30)
    forged = msgspec.structs.replace(report(), references=(forger.token(SUBJECT, START),))
    other = report(MailKind.BOUNCE, reported(address="victim@example.net"))
    for said in (forged, other, msgspec.structs.replace(forged, references=())):
        rig = Rig(said)
        await rig.spool.accept([sent()])
        await rig.take(mail(1, "fbl@example.com"))
        assert (rig.bounced(), rig.notices()) == ([], [])
    rig = Rig(other)
    await rig.spool.accept([sent()])
    await rig.take()
    assert (rig.bounced(), rig.notices()) == ([], [])


@pytest.mark.parametrize("kind", [MailKind.ARF, MailKind.UNSUBSCRIBE, MailKind.AUTO_REPLY])
async def test_complaints_unsubscribes_and_answers_are_no_news(kind: MailKind) -> None:
    rig = Rig(msgspec.structs.replace(report(kind), feedback_type="abuse"))
    await rig.spool.accept([sent(Notify.SUCCESS | Notify.FAILURE | Notify.DELAY)])
    await rig.take()
    assert rig.notices() == []


@pytest.mark.parametrize(
    ("kind", "action", "notify", "is_told"),
    [
        (MailKind.BOUNCE, Action.FAILED, None, True),
        (MailKind.BOUNCE, Action.FAILED, Notify.FAILURE, True),
        (MailKind.BOUNCE, Action.FAILED, Notify.NEVER, False),
        (MailKind.BOUNCE, Action.FAILED, Notify.SUCCESS, False),
        (MailKind.DSN_SUCCESS, Action.DELIVERED, None, False),
        (MailKind.DSN_SUCCESS, Action.DELIVERED, Notify.NEVER, False),
        (MailKind.DSN_SUCCESS, Action.DELIVERED, NOTIFY_DEFAULT, False),
        (MailKind.DSN_SUCCESS, Action.DELIVERED, Notify.SUCCESS, True),
        (MailKind.DSN_SUCCESS, Action.RELAYED, Notify.SUCCESS, True),
        (MailKind.DSN_SUCCESS, Action.EXPANDED, Notify.SUCCESS, True),
        (MailKind.DELAY, Action.DELAYED, None, False),
        (MailKind.DELAY, Action.DELAYED, Notify.FAILURE, False),
        (MailKind.DELAY, Action.DELAYED, Notify.DELAY, True),
    ],
)
async def test_notify_decides(
    kind: MailKind, action: Action, notify: int | None, is_told: bool
) -> None:
    rig = Rig(report(kind, reported(action)))
    await rig.spool.accept([sent(notify)])
    await rig.take(mail(1), mail(2))
    assert len(rig.notices()) == is_told
    assert all(f"Action: {action}\r\n" in each for each in rig.notices())
    if action is Action.FAILED:
        assert rig.bounced() == (["told", "again"] if is_told else ["unwanted"] * 2)


async def test_ln2_a_success_and_a_later_failure_are_two_news() -> None:
    rig = Rig(report(MailKind.DSN_SUCCESS, reported(Action.DELIVERED)))
    await rig.spool.accept([sent(Notify.SUCCESS | Notify.FAILURE)])
    await rig.take(mail(1))
    rig.said = report()
    await rig.take(mail(2), mail(3))
    assert len(rig.notices()) == 2


async def test_what_came_by_the_http_api_is_told_by_events_alone() -> None:
    rig = Rig(report())
    by_api = msgspec.structs.replace(sent(), origin=Origin(kind="api"))
    await rig.spool.accept([by_api])
    await rig.take()
    assert rig.bounced() == ["unwanted"]
    assert not rig.notices()


async def test_a5_a_null_reverse_path_is_told_nothing() -> None:
    rig = Rig(report())
    await rig.spool.accept([sent(sender="")])
    await rig.take()
    assert (rig.bounced(), rig.notices()) == (["unwanted"], [])


async def test_a_message_that_the_log_has_forgotten_has_no_sender() -> None:
    rig = Rig(report())
    await rig.take()
    assert (rig.bounced(), rig.notices()) == (["forgotten"], [])


async def test_a5_a_sender_is_told_no_more_than_so_often() -> None:
    rig = Rig(report(), per_hour=0)
    await rig.spool.accept([sent()])
    await rig.take()
    assert (rig.bounced(), rig.notices()) == (["limit"], [])
    assert rig.spool.suppressions.find("bob@example.net", "acme", "news") is not None


async def test_the_header_of_another_message_is_not_returned() -> None:
    rig = Rig(msgspec.structs.replace(report(), message_id="2@example.com"))
    await rig.spool.accept([sent()])
    await rig.take()
    (notice,) = rig.notices()
    assert "June" not in notice
    assert "\r\nMessage-Id: <1@example.com>\r\n" in notice


async def test_a_full_disk_costs_no_sender_its_notice() -> None:
    """What was weighed is kept: to weigh again would count as told twice, and be over the limit."""
    rig = Rig(report(), per_hour=1)
    await rig.spool.accept([sent()])
    settle = rig.spool.reports.settle

    async def full(*_: object, **__: object) -> None:
        raise QueueFullError("full")

    rig.spool.reports.settle = full  # type: ignore[method-assign, assignment]
    for _ in range(3):
        with pytest.raises(QueueFullError):
            await rig.take(mail(1))
    assert rig.bounced() == []
    rig.spool.reports.settle = settle  # type: ignore[method-assign]
    while await rig.reader.work():
        pass
    assert (rig.bounced(), len(rig.notices())) == (["told"], 1)


CONFIG = Queue(partitions=2, map_octets=1 << 20, min_free_octets=0, sync=False)


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_a_crash_around_the_end_neither_loses_nor_doubles_the_notice_rr1(
    tmp_path: Path, dies: str
) -> None:
    first = LmdbSpool.open(tmp_path, CONFIG, FakeClock())
    rig = Rig(report(), spool=first)
    await first.accept([sent()])
    await first.reports.accept([mail()])
    if dies == "after":
        assert await rig.reader.work() == 1
    first.close()
    if dies == "before":
        with pytest.raises(Exception, match="closed"):
            await rig.reader.work()
    second = LmdbSpool.open(tmp_path, CONFIG, FakeClock())
    try:
        rig = Rig(report(), spool=second)
        rig.ids = make_ids(rig.clock, seed=8)
        while await rig.reader.work():
            pass
        assert (rig.bounced(), len(rig.notices())) == (["told"], 1)
        assert second.reports.count(Shelf.WAITING).reports == 0
    finally:
        second.close()


async def test_a5_our_own_notice_that_comes_back_leads_to_no_other() -> None:
    """It has a null path, so no return path of ours; forwarded to one all the same, it is of nobody's sending."""
    rig = Rig(report())
    await rig.spool.accept([sent()])
    await rig.take()
    (notice,) = rig.notices()
    rig.said = None
    own = next(
        each.event.message_id
        for each in rig.spool.events.read(0, 100)
        if isinstance(each.event, MessageAccepted) and each.event.origin.kind == "dsn"
    )
    about_it = msgspec.structs.replace(
        SUBJECT, message_id=own, index=0, address="alice@example.com"
    )
    to_notice = f"{KEYS.local_part(about_it, UnixMs(START))}@b.example.com"
    bounce = notice.replace("bob@example.net", "alice@example.com").encode()
    await rig.take(
        mail(2, "fbl@example.com", content=notice.encode()),
        mail(3, PATH, content=notice.encode()),
        mail(4, to_notice, content=bounce),
    )
    assert len(rig.notices()) == 1
    assert rig.bounced() == ["told", "again", "unwanted"]
