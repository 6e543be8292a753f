"""Mirrors angarium/alarms/evaluation.py: when an alarm is raised, and when it is over."""

from collections.abc import Sequence

from angarium.alarms.catalogue import alarms_of
from angarium.alarms.evaluation import MAX_SUBJECTS, Evaluation, Transition
from angarium.alarms.reading import Measured, Reading, plain, share
from angarium.alarms.subject import ALL, Subject, find_subject
from angarium.config.alarms import OwnLimits
from angarium.queue.model import UnixMs

ACME = Subject(kind="tenant", name="acme")
OWN = (
    OwnLimits(name="bounce_rate", for_s=120.0, end_for_s=300.0),
    OwnLimits(name="event_lag", for_s=60.0, end_for_s=60.0),
)
(BOUNCES,) = [each for each in alarms_of(OWN) if each.name == "bounce_rate"]


class Bench:
    """Looks every 15 seconds."""

    def __init__(self, *own: OwnLimits) -> None:
        self.evaluation = Evaluation(alarms_of(own or OWN))
        self.now = 1_000_000

    def look(
        self, *readings: Reading, name: str = "bounce_rate", is_whole: bool = True
    ) -> Sequence[Transition]:
        self.now += 15_000
        measured = {name: Measured(readings=readings, is_whole=is_whole)}
        return self.evaluation.step(measured, UnixMs(self.now)).transitions

    def for_(self, seconds: int, *readings: Reading, **more: bool) -> list[Transition]:
        return [each for _ in range(seconds // 15) for each in self.look(*readings, **more)]


def bounces(hits: int, total: int, subject: Subject = ALL) -> Reading:
    return share(BOUNCES, hits, total, subject)


def test_a_rate_above_its_level_is_raised_after_its_time_and_once() -> None:
    """AEV1."""
    bench = Bench()
    assert bench.for_(120, bounces(90, 1000)) == []
    (found,) = bench.for_(60, bounces(90, 1000))
    assert found.what == "raised"
    assert found.raised.subject == ALL
    assert found.raised.figure == 9.0
    assert found.raised.since == 1_015_000
    assert found.raised.raised_at == 1_015_000 + 120_000
    assert bench.for_(600, bounces(90, 1000)) == []


def test_one_look_below_begins_the_time_anew() -> None:
    """AEV1."""
    bench = Bench()
    for _ in range(5):
        assert bench.for_(105, bounces(90, 1000)) == []
        assert bench.look(bounces(30, 1000)) == []


def test_few_that_bounce_are_no_alarm_however_large_their_share() -> None:
    """AEV1: one of two, and half of less than the minimum, and what chance alone may have done."""
    for hits, total in ((1, 2), (40, 99), (8, 100)):
        assert Bench().for_(600, bounces(hits, total)) == []
    assert Bench().for_(600, bounces(15, 100)) != []


def test_it_ends_at_the_end_level_after_its_time_and_not_in_between() -> None:
    """AEV1."""
    bench = Bench()
    bench.for_(180, bounces(90, 1000))
    assert bench.for_(900, bounces(45, 1000)) == []  # below its level, above its end
    assert bench.for_(285, bounces(40, 1000)) == []
    assert bench.look(bounces(41, 1000)) == []
    assert bench.for_(300, bounces(30, 1000)) == []
    (ended,) = bench.look(bounces(30, 1000))
    assert ended.what == "ended"
    assert ended.raised.ended_at == bench.now
    assert (ended.raised.figure, ended.raised.worst) == (3.0, 9.0)
    assert not bench.evaluation.raised


def test_where_nothing_is_sent_any_more_it_ends() -> None:
    bench = Bench()
    bench.for_(180, bounces(90, 1000, ACME))
    assert len(bench.evaluation.raised) == 1
    (ended,) = bench.for_(330)
    assert ended.raised.why_ended == "there is nothing of it any more"


def test_what_could_not_be_measured_stays_as_it_is() -> None:
    """AEV2."""
    bench = Bench()
    bench.for_(180, bounces(90, 1000))
    for _ in range(100):
        bench.now += 15_000
        assert not bench.evaluation.step({}, UnixMs(bench.now)).transitions
    assert bench.for_(900, is_whole=False) == []  # we have not watched for long enough to say
    assert bench.for_(900, bounces(0, 1000), is_whole=False) == []
    assert bench.for_(330, bounces(0, 1000)) != []


def test_a_gap_in_measuring_is_no_time_above_the_level() -> None:
    """AEV1, AEV2."""
    bench = Bench()
    assert bench.for_(60, bounces(90, 1000)) == []
    bench.now += 600_000
    bench.evaluation.step({}, UnixMs(bench.now))
    assert bench.look(bounces(90, 1000)) == []


def test_a_floor_is_raised_below_it() -> None:
    bench = Bench(OwnLimits(name="delivery_rate", for_s=0))
    (floor,) = [each for each in alarms_of(()) if each.name == "delivery_rate"]
    assert bench.look(share(floor, 960, 1000), name="delivery_rate") == []
    assert bench.look(share(floor, 945, 1000), name="delivery_rate") == []  # chance
    (found,) = bench.look(share(floor, 900, 1000), name="delivery_rate")
    assert found.raised.worst == 90.0
    bench.look(share(floor, 800, 1000), name="delivery_rate")
    ((_, raised),) = bench.evaluation.raised.items()
    assert (raised.figure, raised.worst) == (80.0, 80.0)


def test_each_subject_is_judged_by_itself() -> None:
    bench = Bench()
    found = bench.for_(150, bounces(10, 1000), bounces(90, 300, ACME))
    assert [each.raised.subject for each in found] == [ACME]


def test_of_very_many_the_whole_comes_first_and_the_rest_is_counted() -> None:
    """AEV3."""
    bench = Bench(OwnLimits(name="bounce_rate", for_s=0))
    many = [bounces(90, 300, Subject(kind="tenant", name=f"t{number:04}")) for number in range(300)]
    step = bench.evaluation.step(
        {"bounce_rate": Measured(readings=(*many, bounces(90, 300)))}, UnixMs(1_000_000)
    )
    assert len(step.transitions) == MAX_SUBJECTS
    assert step.transitions[0].raised.subject == ALL
    assert step.left_off == {"bounce_rate": 101}


def test_what_was_raised_before_a_restart_is_not_raised_again_and_ends_as_any_other() -> None:
    bench = Bench()
    bench.for_(180, bounces(90, 1000))
    kept = list(bench.evaluation.raised.values())
    again = Bench()
    again.evaluation = Evaluation(alarms_of(OWN), kept)
    again.now = bench.now
    assert again.for_(300, bounces(90, 1000)) == []
    (ended,) = again.for_(330, bounces(10, 1000))
    assert ended.raised.id == kept[0].id


def test_one_that_is_turned_off_ends() -> None:
    bench = Bench()
    bench.for_(180, bounces(90, 1000))
    bench.evaluation.exchange(alarms_of([OwnLimits(name="bounce_rate", off=True)]))
    (ended,) = bench.look()
    assert ended.raised.why_ended == "it is turned off"


def test_a_reading_of_what_the_alarm_is_not_of_raises_nothing() -> None:
    bench = Bench(OwnLimits(name="disk_full"))
    assert bench.look(plain(1.0, ACME), name="disk_full") == []
    assert bench.look(plain(1.0), name="disk_full") != []


def test_subjects_are_read_as_they_are_written() -> None:
    for each in (ALL, ACME, Subject(kind="path", name="ip1 at gmail")):
        assert find_subject(each.text) == each
    for text in ("", "tenant", "tenant ", "planet mars", "all mail"):
        assert find_subject(text) is None
    stream = Subject(kind="stream", name="acme/bulk")
    assert stream.is_part_of(ACME)
    assert stream.is_part_of(ALL)
    assert not ACME.is_part_of(stream)
    assert not Subject(kind="stream", name="acme2/bulk").is_part_of(ACME)
    assert not ALL.is_part_of(ALL)
