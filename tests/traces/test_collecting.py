"""Mirrors angarium/traces/collecting.py."""

from angarium.queue import UnixMs
from angarium.queue.about import About
from angarium.traces.collecting import TraceCollector
from angarium.traces.span import Span
from tests.history.samples import Log

HOUR = 3_600_000
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"


def tell(collector: TraceCollector, log: Log, start: int = 0) -> list[Span]:
    spans: list[Span] = []
    for each in log.positions[start:]:
        spans += collector.tell(each.event, UnixMs(log.clock.now))
    return spans


def names(spans: list[Span]) -> list[str]:
    return [each.name for each in spans]


def test_spans_come_when_a_message_is_over() -> None:
    log, collector = Log(), TraceCollector(1.0, HOUR)
    id_ = log.accept()
    assert tell(collector, log) == []
    assert len(collector) == 1
    log.happen("delivered", id_)
    spans = tell(collector, log, 1)
    assert names(spans) == ["accept mail", "wait in queue", "deliver mail", "mail"]
    assert len(collector) == 0
    assert (collector.counts.finished, collector.counts.partial) == (1, 0)


def test_of_one_that_takes_long_what_is_known_is_told_and_the_rest_later() -> None:
    log, collector = Log(), TraceCollector(1.0, HOUR)
    id_ = log.accept()
    log.happen("deferred", id_)
    tell(collector, log)
    assert collector.overdue(UnixMs(log.clock.now + HOUR - 10)) == []
    early = collector.overdue(UnixMs(log.clock.now + HOUR))
    assert names(early) == ["accept mail", "wait in queue", "deliver mail"]
    assert collector.overdue(UnixMs(log.clock.now + HOUR)) == []
    log.happen("delivered", id_, attempts=2)
    assert names(tell(collector, log, 2)) == ["wait in queue", "deliver mail", "mail"]
    assert (collector.counts.finished, collector.counts.partial) == (1, 1)


def test_tcl1_the_oldest_makes_room_and_is_taken_up_again_by_its_events() -> None:
    log, collector = Log(), TraceCollector(1.0, HOUR, most=2)
    first = log.accept()
    log.accept()
    log.accept()
    assert names(tell(collector, log)) == ["accept mail"]
    assert (len(collector), collector.counts.partial) == (2, 1)
    log.happen("delivered", first)
    event = log.positions[-1].event
    assert collector.lacks(event)
    assert collector.tell(event, UnixMs(log.clock.now)) == []
    its = [each.event for each in log.positions if each.event.message_id == first]
    assert names(collector.resume(its, UnixMs(log.clock.now)))[-1] == "mail"


def test_tcl2_requests_say_for_themselves_whether_they_are_traced() -> None:
    for ratio, flags, wanted in ((0.0, "01", 1), (1.0, "00", 0), (0.0, "", 0), (1.0, "", 1)):
        log, collector = Log(), TraceCollector(ratio, HOUR)
        log.accept(about=About(trace_parent=TRACE + flags if flags else ""))
        tell(collector, log)
        assert len(collector) == wanted, (ratio, flags)


def test_what_readers_and_reports_say_later_brings_no_trace_back() -> None:
    log, collector = Log(), TraceCollector(1.0, HOUR)
    id_ = log.accept()
    log.happen("delivered", id_)
    log.happen("opened", id_)
    log.happen("complained", id_)
    tell(collector, log)
    assert not any(collector.lacks(each.event) for each in log.positions[2:])
    none = TraceCollector(0.0, HOUR)
    assert not any(none.lacks(each.event) for each in log.positions)


def test_at_the_end_what_is_known_of_all_is_told() -> None:
    log, collector = Log(), TraceCollector(1.0, HOUR)
    log.accept()
    log.accept()
    tell(collector, log)
    assert names(collector.close()) == ["accept mail"] * 2
