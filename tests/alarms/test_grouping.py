"""Mirrors angarium/alarms/grouping.py and silence.py: whom to tell what, and when."""

from collections.abc import Mapping, Sequence

import msgspec

from angarium.alarms.grouping import Due, Group, Pace, Target, due_notices, is_owed, told
from angarium.alarms.raised import Raised, new_id
from angarium.alarms.silence import Silence
from angarium.alarms.subject import ALL, Subject
from angarium.config.alarms import Severity
from angarium.queue.model import UnixMs

MINUTE = 60_000
OPS = Target(name="ops")
ACME = Subject(kind="tenant", name="acme")
BULK = Subject(kind="stream", name="acme/bulk")
GMAIL = Subject(kind="provider", name="gmail")


def raised(
    subject: Subject = ALL, alarm: str = "bounce_rate", severity: Severity = "critical"
) -> Raised:
    at = UnixMs(1_000_000)
    return Raised(
        id=new_id(alarm, subject, at),
        alarm=alarm,
        subject=subject,
        severity=severity,
        unit="percent",
        level=5.0,
        since=at,
        raised_at=at,
        figure=7.0,
        worst=9.0,
        volume=1000,
    )


class Bench:
    """Looks when it is told to, and tells at once."""

    def __init__(self, *known: Raised, targets: Sequence[Target] = (OPS,)) -> None:
        self.known = {each.id: each for each in known}
        self.targets = targets
        self.last: dict[Group, UnixMs] = {}
        self.silences: list[Silence] = []
        self.explained_by: Mapping[str, Sequence[str]] = {"delivery_rate": ("bounce_rate",)}
        self.pace = Pace(group_ms=5 * MINUTE, remind_ms=240 * MINUTE)
        self.now = 2_000_000

    def add(self, *known: Raised) -> None:
        self.known |= {each.id: each for each in known}

    def end(self, *known: Raised) -> None:
        for each in known:
            self.known[each.id] = msgspec.structs.replace(
                self.known[each.id], ended_at=UnixMs(self.now)
            )

    def look(self, minutes: int = 0) -> list[Due]:
        self.now += minutes * MINUTE
        found = due_notices(
            list(self.known.values()),
            self.targets,
            self.last,
            self.silences,
            self.explained_by,
            self.pace,
            UnixMs(self.now),
        )
        for due in found:
            self.last[Group(target=due.notice.target, alarm=due.notice.alarm)] = due.notice.at
            self.add(*told(due, list(self.known.values())))
        return found


def test_what_is_raised_is_told_once_with_all_its_subjects() -> None:
    bench = Bench(raised(ACME), raised(GMAIL))
    (due,) = bench.look()
    assert due.notice.kind == "raised"
    assert [each.subject for each in due.notice.raised] == [GMAIL, ACME]
    assert len(due.notice.new) == 2
    for _ in range(10):
        assert bench.look(minutes=6) == []


def test_of_one_alarm_there_is_one_notice_in_five_minutes_however_much_happens() -> None:
    """GRP1."""
    bench = Bench(raised(ACME))
    notices = list(bench.look())
    for number in range(40):
        bench.add(raised(Subject(kind="tenant", name=f"t{number}")))
        notices += bench.look(minutes=1)
    assert len(notices) == 1 + 8
    assert sum(len(each.told - notices[0].told) > 0 for each in notices) == 8


def test_a_hundred_subjects_are_one_notice_which_names_the_first_and_counts_the_rest() -> None:
    many = [raised(Subject(kind="tenant", name=f"t{number:03}")) for number in range(100)]
    bench = Bench(*many)
    (due,) = bench.look()
    assert (len(due.notice.raised), due.notice.left_off) == (10, 90)
    assert bench.look(minutes=10) == []


def test_the_whole_speaks_for_its_parts_and_a_tenant_for_its_streams() -> None:
    """GRP2."""
    bench = Bench(raised(ALL), raised(ACME), raised(BULK), raised(GMAIL))
    (due,) = bench.look()
    assert [each.subject for each in due.notice.raised] == [ALL]
    assert {each.subject for each in due.notice.parts} == {ACME, BULK, GMAIL}
    bench.end(raised(ALL))
    (due,) = bench.look(minutes=6)
    assert due.notice.kind == "raised"
    assert [each.subject for each in due.notice.raised] == [GMAIL, ACME]
    assert [each.subject for each in due.notice.ended] == [ALL]
    assert [each.subject for each in due.notice.parts] == [BULK]


def test_an_effect_is_not_told_while_its_cause_is_raised() -> None:
    """GRP2."""
    effect = raised(ACME, alarm="delivery_rate")
    bench = Bench(raised(ACME), effect, raised(GMAIL, alarm="delivery_rate"))
    found = {each.notice.alarm: each.notice for each in bench.look()}
    assert [each.subject for each in found["delivery_rate"].raised] == [GMAIL]
    assert not found["delivery_rate"].parts
    bench.end(raised(ACME))
    found = {each.notice.alarm: each.notice for each in bench.look(minutes=6)}
    assert [each.subject for each in found["delivery_rate"].raised] == [ACME, GMAIL]


def test_the_end_is_told_to_who_was_told_of_the_beginning() -> None:
    """GRP3."""
    other = Target(name="pager", severity="critical")
    one = raised(ACME, severity="warning")
    bench = Bench(one, targets=(OPS, other))
    assert [each.notice.target for each in bench.look()] == ["ops"]
    bench.end(one)
    (due,) = bench.look(minutes=6)
    assert (due.notice.kind, due.notice.target, due.notice.is_open) == ("ended", "ops", False)
    assert not is_owed(bench.known[one.id], "ops")
    assert bench.look(minutes=6) == []


def test_what_was_raised_and_over_between_two_notices_is_not_told() -> None:
    bench = Bench(raised(ACME))
    bench.look()
    short = raised(GMAIL)
    bench.add(short)
    assert bench.look(minutes=1) == []
    bench.end(short)
    assert bench.look(minutes=10) == []


def test_what_stays_raised_is_told_again_after_four_hours() -> None:
    bench = Bench(raised(ACME))
    bench.look()
    assert bench.look(minutes=239) == []
    (due,) = bench.look(minutes=1)
    assert due.notice.kind == "reminder"
    assert due.notice.new == ()
    bench.pace = Pace(group_ms=0, remind_ms=0)
    assert bench.look(minutes=10_000) == []


def silence(
    alarm: str = "", subject: Subject | None = None, minutes: int = 60, now: int = 2_000_000
) -> Silence:
    return Silence(
        id=1,
        alarm=alarm,
        subject=subject,
        since=UnixMs(now),
        until=UnixMs(now + minutes * MINUTE),
        who="root",
    )


def test_a_silence_keeps_notices_back_until_it_ends() -> None:
    """SIL1."""
    bench = Bench(raised(ACME))
    bench.silences = [silence("bounce_rate")]
    assert bench.look() == []
    assert bench.look(minutes=59) == []
    (due,) = bench.look(minutes=1)
    assert due.notice.kind == "raised"


def test_a_silence_is_of_an_alarm_of_a_subject_with_its_parts_or_of_all() -> None:
    one, now = raised(BULK), UnixMs(2_000_000)
    for covering in (silence(), silence("bounce_rate"), silence(subject=BULK)):
        assert covering.covers(one, now)
    assert silence("bounce_rate", ACME).covers(one, now)
    assert silence(subject=ALL).covers(one, now)
    for other in (silence("event_lag"), silence(subject=GMAIL), silence("event_lag", BULK)):
        assert not other.covers(one, now)


def test_the_end_of_what_was_told_is_told_through_a_silence() -> None:
    """GRP3: an incident would stay open for ever."""
    one = raised(ACME)
    bench = Bench(one)
    bench.look()
    bench.silences = [silence()]
    bench.end(one)
    (due,) = bench.look(minutes=6)
    assert due.notice.kind == "ended"


def test_a_target_hears_of_what_it_wants() -> None:
    targets = (
        Target(name="pager", severity="critical"),
        Target(name="mail"),
        Target(name="machine", only=("disk_full",)),
    )
    bench = Bench(
        raised(),
        raised(alarm="event_lag", severity="warning"),
        raised(alarm="disk_full"),
        targets=targets,
    )
    found = {(each.notice.target, each.notice.alarm) for each in bench.look()}
    assert found == {
        ("pager", "bounce_rate"),
        ("pager", "disk_full"),
        ("mail", "bounce_rate"),
        ("mail", "event_lag"),
        ("mail", "disk_full"),
        ("machine", "disk_full"),
    }
