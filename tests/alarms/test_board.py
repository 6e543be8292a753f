"""Mirrors angarium/alarms/board.py and keepsakes.py: what looks change of the disk, and what a restart finds."""

from collections.abc import Sequence

import msgspec

from angarium.alarms.board import Board, Change
from angarium.alarms.catalogue import alarms_of
from angarium.alarms.grouping import Pace, Target
from angarium.alarms.keepsakes import PREFIX, Changes, read_kept
from angarium.alarms.notice import Notice
from angarium.alarms.reading import Measured, plain
from angarium.alarms.silence import Silence
from angarium.alarms.subject import ALL, Subject
from angarium.config.alarms import OwnLimits
from angarium.queue.model import UnixMs

OWN = (OwnLimits(name="disk_full", end_for_s=0),)
ALARMS = alarms_of(OWN)
OPS = (Target(name="ops"),)
PACE = Pace(group_ms=0, remind_ms=0)


class Bench:
    """A board, and the disk that what it says is written to."""

    def __init__(self, targets: Sequence[Target] = OPS) -> None:
        self.disk: dict[str, bytes] = {}
        self.targets = targets
        self.now = 1_000_000
        self.keep = 500
        self.restart()

    def restart(self) -> None:
        self.board = Board(ALARMS, self.targets, PACE, read_kept(dict(sorted(self.disk.items()))))

    def write(self, changes: Changes) -> None:
        for name, value in changes.items():
            assert name.startswith(PREFIX)
            if value is None:
                self.disk.pop(name, None)
            else:
                self.disk[name] = value

    def look(self, figure: float) -> Change:
        self.now += 15_000
        measured = {"disk_full": Measured(readings=[plain(figure)])}
        change = self.board.look(measured, UnixMs(self.now), self.keep)
        self.write(change.keepsakes)
        return change

    def tell(self) -> list[Notice]:
        notices = [each.notice for each in self.board.pending.values()]
        for each in notices:
            self.write(self.board.was_told(each))
        return notices


def test_what_is_raised_and_told_is_found_again_and_told_no_second_time() -> None:
    """BRD1."""
    bench = Bench()
    (raised,) = bench.look(1.0).transitions
    assert [each.kind for each in bench.tell()] == ["raised"]
    for _ in range(3):
        bench.restart()
        assert [each.id for each in bench.board.raised] == [raised.raised.id]
        change = bench.look(1.0)
        assert (change.transitions, change.notices) == ([], [])
        assert bench.tell() == []


def test_what_was_not_told_before_a_restart_is_told_after_it() -> None:
    """BRD1."""
    bench = Bench()
    (notice,) = bench.look(1.0).notices
    bench.restart()
    assert [each.id for each in bench.tell()] == [notice.id]
    bench.restart()
    assert bench.tell() == []


def test_what_ends_is_told_also_by_who_starts_in_between() -> None:
    bench = Bench()
    bench.look(1.0)
    bench.tell()
    bench.restart()
    (ended,) = bench.look(0.0).transitions
    assert ended.what == "ended"
    bench.restart()
    assert [each.kind for each in bench.tell()] == ["ended"]
    assert bench.board.raised == []
    assert [each.id for each in bench.board.over] == [ended.raised.id]
    bench.look(0.0)
    bench.look(0.0)
    # Of what is settled only the history is left, and when the target was told last
    kinds = {name.split("/")[1] for name in bench.disk}
    assert kinds <= {"over", "pace"}


def test_a_notice_that_waits_gives_way_to_the_one_that_says_more() -> None:
    """BRD2."""
    bench = Bench()
    bench.look(1.0)
    (first,) = [each.notice for each in bench.board.pending.values()]
    bench.write(bench.board.has_failed(first, UnixMs(bench.now + 5000), "HTTP 503"))
    bench.look(0.0)
    (pending,) = bench.board.pending.values()
    assert pending.notice.kind == "ended"
    assert (pending.attempts, pending.problem) == (1, "HTTP 503")  # who failed still fails
    # What the first came to changes nothing of the second
    assert bench.board.was_told(first) == {}
    assert len(bench.board.pending) == 1
    assert len([name for name in bench.disk if "/notice/" in name]) == 1


def test_of_what_is_over_only_so_many_are_kept() -> None:
    """BRD2."""
    bench = Bench()
    bench.keep = 3
    for _ in range(6):
        bench.look(1.0)
        bench.look(0.0)
    assert len(bench.board.over) == 3
    assert len([name for name in bench.disk if "/over/" in name]) == 3
    bench.restart()
    ended = [each.ended_at for each in bench.board.over]
    assert ended == sorted(ended, key=lambda at: at or 0)


def test_a_silence_is_kept_and_goes_when_its_time_is_over() -> None:
    bench = Bench()
    silence = Silence(
        id=1,
        alarm="disk_full",
        subject=None,
        since=UnixMs(bench.now),
        until=UnixMs(bench.now + 60_000),
        who="root",
    )
    bench.write(bench.board.silence(silence))
    bench.restart()
    assert bench.look(1.0).notices == []
    assert bench.board.silenced(bench.board.raised[0], UnixMs(bench.now)) == silence
    for _ in range(4):
        bench.look(1.0)
    assert bench.board.silences == []
    assert not [name for name in bench.disk if "/silence/" in name]
    assert [each.kind for each in bench.tell()] == ["raised"]


def test_what_is_of_a_target_that_is_no_more_is_forgotten() -> None:
    bench = Bench((Target(name="ops"), Target(name="gone")))
    bench.look(1.0)
    bench.board.exchange(ALARMS, OPS, PACE)
    bench.look(0.0)
    bench.tell()
    bench.look(0.0)
    assert not [name for name in bench.disk if name.split("/")[1] in ("notice", "now")]


def test_what_is_damaged_or_of_a_newer_release_is_passed_over() -> None:
    bench = Bench()
    bench.look(1.0)
    name = next(each for each in bench.disk if "/now/" in each)
    for damaged in (b"", b"\x02newer", b"\x01\xc1", bench.disk[name][:20]):
        kept = read_kept({name: damaged})
        assert kept.now == ()
    assert len(read_kept(bench.disk).now) == 1


def test_names_and_values_fit_the_store_whatever_subjects_are_called() -> None:
    bench = Bench()
    change = bench.look(1.0)
    long = Subject(kind="tenant", name="ü" * 255)
    raised = msgspec.structs.replace(change.transitions[0].raised, subject=long, detail="x" * 500)
    bench.board.evaluation.put(raised)
    for name, value in {**bench.disk}.items():
        assert len(name.encode()) < 400
        assert len(value) < 65_536


def test_figures_of_what_stays_raised_are_written_once_a_minute() -> None:
    bench = Bench()
    bench.look(1.0)
    bench.tell()
    written = [bool(bench.look(1.0 + number).keepsakes) for number in range(8)]
    assert 1 <= sum(written) <= 3
    assert bench.board.find(bench.board.raised[0].id) == bench.board.raised[0]
    assert bench.board.find("al_none") is None
    assert bench.board.raised[0].subject == ALL
