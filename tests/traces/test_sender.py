"""Mirrors angarium/traces/sender.py and otlp.py: against a collector that decodes what it gets."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from angarium.queue import UnixMs
from angarium.traces import sender as module
from angarium.traces.header_file import HeaderFileError
from angarium.traces.otlp import Collector, OtlpExporter
from angarium.traces.sender import Exporter, SpanSender
from angarium.traces.span import Kind, Note, Span
from tests.traces.collector_stub import CollectorStub, attributes

AT = UnixMs(1_800_000_000_000)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHER_S", 0.01)
    monkeypatch.setattr(module, "RETRY_S", 0.01)


@pytest.fixture
def collector() -> Iterator[CollectorStub]:
    with CollectorStub() as stub:
        yield stub


def span(number: int = 1, **more: object) -> Span:
    fields = {
        "trace_id": bytes(15) + b"\7",
        "span_id": number.to_bytes(8, "big"),
        "parent_id": b"",
        "name": "mail",
        "kind": Kind.INTERNAL,
        "start": AT,
        "end": UnixMs(AT + 1500),
        **more,
    }
    return Span(**fields)  # type: ignore[arg-type]


def opener(url: str, timeout_s: float = 5.0, **headers: str) -> Callable[[], Exporter]:
    return lambda: OtlpExporter(
        Collector(
            endpoint=url,
            headers=headers,
            service="mail",
            host="mx.example.com",
            timeout_s=timeout_s,
        )
    )


def test_a_collector_reads_what_it_is_sent(collector: CollectorStub) -> None:
    sender = SpanSender(opener(collector.url, authorization="Bearer x"))
    given = span(
        2,
        parent_id=b"\0" * 7 + b"\1",
        name="deliver mail",
        kind=Kind.CLIENT,
        attributes={"server.address": "mx.example.net", "angarium.attempt": 2, "a": True},
        notes=(Note(name="held", at=AT),),
        error="greylisted",
    )
    sender.offer([span(1), given])
    root, found = collector.wait_for(2)
    sender.close(5)
    assert (sender.counts.sent, sender.counts.dropped, sender.counts.failed) == (2, 0, 0)
    assert root.trace_id == found.trace_id == bytes(15) + b"\7"
    assert (root.parent_span_id, found.parent_span_id) == (b"", b"\0" * 7 + b"\1")
    assert (found.name, found.kind) == ("deliver mail", 3)  # SPAN_KIND_CLIENT
    assert found.start_time_unix_nano == AT * 1_000_000
    assert found.end_time_unix_nano == (AT + 1500) * 1_000_000
    assert attributes(found) == {
        "server.address": "mx.example.net",
        "angarium.attempt": 2,
        "a": True,
    }
    assert (found.status.code, found.status.message) == (2, "greylisted")
    assert root.status.code == 0
    assert [each.name for each in found.events] == ["held"]
    resource = attributes(collector.requests[0].resource_spans[0].resource)
    assert resource["service.name"] == "mail"
    assert resource["host.name"] == "mx.example.com"
    assert collector.headers[0]["authorization"] == "Bearer x"
    assert collector.headers[0]["content-type"] == "application/x-protobuf"


def test_one_that_refuses_is_told_of_once_and_what_comes_later_arrives(
    collector: CollectorStub, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = 401
    sender = SpanSender(opener(collector.url))
    with caplog.at_level(logging.INFO, "angarium"):
        for number in (1, 2):
            sender.offer([span(number)])
            collector.wait_for_requests(number)
            _until(lambda number=number: sender.counts.failed == number)  # type: ignore[misc]
    told = [each for each in caplog.records if getattr(each, "event", "") == "traces_not_sent"]
    assert len(told) == 1
    assert "401" in told[0].ids["problem"] or "Unauthorized" in told[0].ids["problem"]  # type: ignore[attr-defined]
    collector.status = 200
    sender.offer([span(3)])
    collector.wait_for(1)
    sender.close(5)
    assert (sender.counts.sent, sender.counts.failed) == (1, 2)


def test_one_that_hangs_holds_nobody_and_costs_what_does_not_fit(collector: CollectorStub) -> None:
    """SSN1"""
    collector.hangs.set()
    sender = SpanSender(opener(collector.url, timeout_s=0.3), most=10)
    sender.offer([span(1)])
    _until(lambda: sender.waiting == 0)
    sender.offer([span(number) for number in range(2, 40)])
    assert sender.waiting <= 10
    assert sender.counts.dropped >= 28
    _until(lambda: sender.counts.failed >= 11)
    collector.released.set()
    collector.hangs.clear()
    sender.close(5)


def test_a_collector_that_is_away_ends_no_stop() -> None:
    sender = SpanSender(opener("http://127.0.0.1:1/v1/traces", timeout_s=60))
    sender.offer([span(1)])
    _until(lambda: sender.waiting == 0)
    sender.close(0.1)
    sender._thread.join(10)
    assert not sender._thread.is_alive()


def test_headers_that_cannot_be_read_are_read_again(caplog: pytest.LogCaptureFixture) -> None:
    taken: list[Span] = []
    tries: list[int] = []

    class Taking:
        def send(self, spans: Sequence[Span]) -> str:
            taken.extend(spans)
            return ""

        def close(self) -> None: ...

    def open_exporter() -> Exporter:
        tries.append(1)
        if len(tries) == 1:
            raise HeaderFileError("tracing.headers_file: no such file")
        return Taking()

    sender = SpanSender(open_exporter)
    sender.offer([span(1)])
    _until(lambda: sender.counts.failed == 1)
    sender.offer([span(2)])
    _until(lambda: sender.counts.sent == 1)
    sender.close(5)
    assert [each.span_id[-1] for each in taken] == [2]


def _until(condition: Callable[[], bool], timeout: float = 20) -> None:
    deadline = threading.Event()
    timer = threading.Timer(timeout, deadline.set)
    timer.start()
    try:
        while not condition():
            assert not deadline.is_set()
            deadline.wait(0.005)
    finally:
        timer.cancel()
