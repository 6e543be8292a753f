"""Mirrors angarium/service/platform/alarms/*_figures.py, measuring.py and telemetry/metric_values.py."""

from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from angarium.alarms.catalogue import CATALOGUE
from angarium.alarms.reading import Measured
from angarium.alarms.subject import ALL, Subject
from angarium.config.schema import Config, Server, Warmup
from angarium.queue import QueueSummary, UnixMs
from angarium.reputation.blocklists import Listing
from angarium.reputation.breaker import Party, Pause
from angarium.reputation.figures import Figures
from angarium.reputation.figures import Subject as Sender
from angarium.reputation.in_force import InForce
from angarium.reputation.reply_rules import Reach
from angarium.reputation.rule_keepsakes import keepsake_name as rule_name
from angarium.reputation.rule_keepsakes import keepsake_of
from angarium.reputation.warmup import WarmupRecord
from angarium.reputation.warmups import keepsakes_of
from angarium.service.platform.alarms.machine_figures import Clocks, MachineFigures
from angarium.service.platform.alarms.mail_figures import measure_mail
from angarium.service.platform.alarms.measuring import Measuring, Sources
from angarium.service.platform.alarms.metric_figures import NAMES, measure_metrics
from angarium.telemetry.metric_values import Growth, MetricValues
from angarium.telemetry.metrics import Metrics

ALARMS = {each.name: each for each in CATALOGUE}
MINUTE = 60_000
NOW = UnixMs(1_800_000_000_000)


def reading(measured: Mapping[str, Measured], name: str, subject: Subject = ALL) -> Any:
    return next(each for each in measured[name].readings if each.subject == subject)


def sent(figures: Figures, minutes_ago: int, **counts: int) -> None:
    """Of tenant acme, stream bulk, by ip1 at gmail."""
    subjects = (
        ("tenant", "acme"),
        ("stream", "acme/bulk"),
        ("source", "ip1"),
        ("provider", "gmail"),
    )
    for measure, number in counts.items():
        for kind, name in subjects:
            subject = Sender(kind=kind, name=name)  # type: ignore[arg-type]
            at = UnixMs(NOW - minutes_ago * MINUTE)
            figures.count(subject, at, measure.replace("__", "."), number)


async def test_mail_is_measured_of_the_whole_and_each_part() -> None:
    figures = Figures()
    sent(figures, 10, delivered=900, bounced__user_unknown=80, returned__spam=10, complained=9)
    sent(figures, 70, bounced__spam=5000)  # before the hour
    found = await measure_mail(figures, ALARMS, NOW)
    for subject in (
        ALL,
        Subject(kind="stream", name="acme/bulk"),
        Subject(kind="source", name="ip1"),
    ):
        bounces = reading(found, "bounce_rate", subject)
        assert bounces.figure == pytest.approx(100 * 90 / 980)
        assert bounces.volume == 980
        assert bounces.sure < bounces.figure
        assert bounces.detail == "user_unknown 80, spam 10"
    assert reading(found, "complaint_rate").figure == pytest.approx(1.0)
    assert reading(found, "delivery_rate").figure == pytest.approx(100 * 890 / 980)


async def test_a_fall_is_seen_against_the_hour_before_and_deferrals_of_all_attempts() -> None:
    figures = Figures()
    sent(figures, 30, delivered=900, deferred__greylisted=100)
    sent(figures, 3, delivered=400, deferred__rate=500, bounced__policy=100, bounced__expired=50)
    found = await measure_mail(figures, ALARMS, NOW)
    fall = reading(found, "smtp_success_drop")
    assert fall.figure == pytest.approx(100 * (1 - 0.4 / 0.9))
    assert 20 < fall.sure < fall.figure
    assert fall.volume == 1000
    assert fall.detail.startswith("rate 500")
    assert reading(found, "deferral_rate").figure == pytest.approx(100 * 600 / 2050)


async def test_who_sends_nothing_has_no_figure() -> None:
    found = await measure_mail(Figures(), ALARMS, NOW)
    assert [each.subject for each in found["bounce_rate"].readings] == [ALL]
    assert reading(found, "bounce_rate").volume == 0


class Looks:
    """At metrics of one process, every 15 seconds."""

    def __init__(self) -> None:
        self.metrics = Metrics(CollectorRegistry())
        self.growth = Growth(900.0)
        self.at = 0.0

    def look(self, seconds: float = 15.0) -> dict[str, Measured]:
        self.at += seconds
        self.metrics.flush()
        values = MetricValues(self.metrics.families(), NAMES)
        self.growth.add(self.at, values)
        return dict(measure_metrics(values, self.growth, ALARMS, NOW))


def test_counters_are_measured_by_how_they_grew_within_the_window() -> None:
    looks = Looks()
    for _ in range(40):
        looks.metrics.api.answered("native", 503, 0.001)
    assert reading(looks.look(), "api_errors").figure == 0  # from before we looked
    for number in range(200):
        looks.metrics.api.answered("native", 200 if number else 503, 3.0 if number < 20 else 0.01)
    looks.metrics.api.refused("rate")
    looks.metrics.api.refused("quota")
    looks.metrics.api.refused("busy")
    looks.metrics.internal_errors.add()
    found = looks.look()
    assert reading(found, "api_errors").figure == 1
    assert not found["api_errors"].is_whole
    assert reading(found, "api_throttled").figure == 2
    assert reading(found, "internal_errors").figure == 1
    slow = reading(found, "api_latency")
    assert 2 < slow.figure <= 5
    assert slow.volume == 200
    for _ in range(30):
        found = looks.look()
    assert reading(found, "api_errors").figure == 0
    assert found["api_errors"].is_whole
    assert not found["internal_errors"].is_whole
    assert reading(found, "internal_errors").figure == 1


def test_what_was_set_back_has_grown_by_what_it_is_now() -> None:
    growth = Growth(100.0)
    for at, total in ((0.0, 50), (10.0, 70), (20.0, 5)):
        metrics = Metrics(CollectorRegistry())
        metrics.internal_errors.add(total)
        metrics.flush()
        growth.add(at, MetricValues(metrics.families(), {"internal_errors_total"}))
    assert growth.of("internal_errors_total", 5.0) == 5
    assert growth.of("internal_errors_total", 1000.0) == 5
    assert growth.of("nothing", 5.0) == 0


def test_gauges_are_measured_as_they_are() -> None:
    looks = Looks()
    looks.metrics.queue.event_lag_time["history"].set(42.0)
    looks.metrics.webhooks.deliveries["given_up"].set(120)
    looks.metrics.ses_quota.set(50_000)
    looks.metrics.ses_used.set(45_000)
    looks.metrics.certificate_end("0.0.0.0:465").set(NOW / 1000 + 86_400)
    found = looks.look()
    assert reading(found, "event_lag", Subject(kind="consumer", name="history")).figure == 42
    assert reading(found, "dead_letters").figure == 120
    assert reading(found, "smart_host_quota", Subject(kind="way", name="ses")).figure == 90
    certificate = Subject(kind="certificate", name="0.0.0.0:465")
    assert reading(found, "certificate_ending", certificate).figure == pytest.approx(86_400)
    looks.metrics.ses_quota.set(0)  # any number
    assert looks.look()["smart_host_quota"].readings == []


class Machine:
    def __init__(self) -> None:
        self.wall = NOW
        self.steady = 1000.0
        self.figures = MachineFigures(Clocks(wall=lambda: self.wall, steady=lambda: self.steady))

    def look(self, seconds: float = 15.0, jump_s: float = 0.0, **more: Any) -> dict[str, Measured]:
        self.steady += seconds
        self.wall = UnixMs(self.wall + round((seconds + jump_s) * 1000))
        summary = QueueSummary(
            messages=1,
            scheduled=1,
            in_flight=0,
            held=0,
            events=1,
            file_octets=1,
            used_octets=1,
            map_octets=1,
            readers=0,
            reader_limit=1,
            free_disk_octets=more.pop("free", 1 << 40),
            low_disk=more.pop("low", False),
            oldest_at=more.pop("oldest", None),
        )
        given: dict[str, Any] = {
            "free_mark": 1 << 28,
            "overdue": 0,
            "attempts": 0.0,
            "pids": {},
            **more,
        }
        return self.figures.measure(ALARMS, summary=summary, **given)


def test_mail_that_is_due_and_not_tried_is_a_standstill_until_the_next_attempt() -> None:
    machine = Machine()
    for _ in range(50):
        found = machine.look(overdue=20, attempts=7.0)
    assert reading(found, "no_deliveries").figure > 700
    assert reading(found, "no_deliveries").volume == 20
    assert reading(machine.look(overdue=20, attempts=8.0), "no_deliveries").figure == 0
    machine.look(300, overdue=20, attempts=8.0)
    assert reading(machine.look(overdue=0, attempts=8.0), "no_deliveries").figure == 0


def test_a_disk_that_fills_evenly_is_full_when_the_line_says() -> None:
    machine = Machine()
    mark, free = 1 << 28, float(1 << 34)
    assert not machine.look(free=round(free))["disk_filling"].is_whole
    for _ in range(240):
        free -= 15 * 1_000_000
        found = machine.look(free=round(free))
    expected = (free - mark) / 1_000_000
    assert reading(found, "disk_filling").figure == pytest.approx(expected, rel=0.01)
    assert machine.look(free=round(free), low=True)["disk_full"].readings[0].figure == 1
    steady = Machine()
    for _ in range(100):
        found = steady.look()
    assert not found["disk_filling"].readings


def test_a_clock_that_jumps_is_off_and_one_that_goes_is_not() -> None:
    machine = Machine()
    assert reading(machine.look(jump_s=3600), "clock_wrong").figure == 0  # nothing to compare with
    assert reading(machine.look(), "clock_wrong").figure == pytest.approx(0, abs=0.01)
    assert reading(machine.look(jump_s=-90), "clock_wrong").figure == pytest.approx(90, abs=0.01)
    assert reading(machine.look(), "clock_wrong").figure == pytest.approx(0, abs=0.01)


def test_a_process_that_ends_again_and_again_is_counted_by_itself() -> None:
    machine = Machine()
    for pid in (1, 1, 2, 3, 4):
        found = machine.look(pids={"delivery-0": pid, "ingress-0": 9})
    slot = Subject(kind="process", name="delivery-0")
    assert reading(found, "processes_ending", slot).figure == 3
    assert len(found["processes_ending"].readings) == 1
    found = machine.look(1000, pids={"delivery-0": 4})
    assert found["processes_ending"].readings == []
    assert found["processes_ending"].is_whole


def test_the_oldest_messages_age_is_measured() -> None:
    found = Machine().look(oldest=UnixMs(NOW - 5 * 86_400_000))
    assert reading(found, "queue_age").figure == pytest.approx(5 * 86_400, abs=20)


class Memory:
    def __init__(self, kept: Mapping[str, bytes]) -> None:
        self.kept = kept

    def read(self, prefix: str) -> dict[str, bytes]:
        return {name: each for name, each in self.kept.items() if name.startswith(prefix)}

    async def write(self, *_: object) -> None:
        raise AssertionError


def in_force(scope: Any, subject: str) -> dict[str, bytes]:
    effect = InForce(
        rule="gmail-421",
        action="suspend",
        reach=Reach(subject=subject, scope=scope, provider="gmail"),
        since=NOW,
        until=UnixMs(NOW + 1000),
        changed=NOW,
        reply="421 4.7.28 slow down",
    )
    return {rule_name(effect.key): keepsake_of(effect)}


def sources(**more: Any) -> Sources:
    kept = {
        **in_force("source", "ip1"),
        **in_force("tenant", "acme"),
        **keepsakes_of(
            {
                ("ip1", "gmail"): WarmupRecord(day=3, is_held=True, note="too much was refused"),
                ("old", "gmail"): WarmupRecord(is_held=True),
                ("ip2", "gmail"): WarmupRecord(),
            }
        ),
    }
    listing = Listing(
        zone="bl.test", address="192.0.2.1", codes=(), meaning="sends spam", since=NOW
    )
    pause = Pause(rule=1, since=NOW, until=None, why="too many bounces")
    given: dict[str, Any] = {
        "figures": Figures,
        "listings": lambda: [listing],
        "pauses": lambda: {
            Party(tenant="acme", campaign="spring"): pause,
            Party(tenant="shop"): pause,
        },
        "domains": lambda: [("example.com", "of tenant acme")],
        "tracking_hosts": lambda: [("t.example.com", "leads elsewhere")],
        "targets": lambda: {"chat": (4, "HTTP 503")},
        "pids": dict,
        "summary": lambda: QueueSummary(
            messages=0,
            scheduled=0,
            in_flight=0,
            held=0,
            events=0,
            file_octets=0,
            used_octets=0,
            map_octets=1,
            readers=0,
            reader_limit=1,
            free_disk_octets=1 << 40,
            low_disk=False,
        ),
        "overdue": lambda before, limit: 0,
        "keepsakes": Memory({name: each for name, each in kept.items() if each is not None}),
        "metrics": Metrics(CollectorRegistry()),
        **more,
    }
    return Sources(**given)


CONFIG = Config(
    server=Server(hostname="a.example"), warmup=(Warmup(source="ip1"), Warmup(source="ip2"))
)


def measuring(**more: Any) -> Measuring:
    machine = MachineFigures(Clocks(wall=lambda: NOW, steady=lambda: 1.0))
    return Measuring(CONFIG, sources(**more), machine)


async def test_who_is_stopped_listed_left_alone_or_failing_is_measured_with_why() -> None:
    found = await measuring().measure(CATALOGUE, NOW)
    details = {
        (name, each.subject.text): each.detail
        for name, measured in found.items()
        for each in measured.readings
        if each.detail
    }
    assert details == {
        ("address_listed", "address 192.0.2.1"): "bl.test: sends spam",
        ("sender_paused", "campaign acme/spring"): "too many bounces",
        ("sender_paused", "tenant shop"): "too many bounces",
        ("provider_suspended", "path ip1 at gmail"): "gmail-421: 421 4.7.28 slow down",
        ("provider_suspended", "provider gmail"): "gmail-421, of tenant acme: 421 4.7.28 slow down",
        ("warmup_held", "path ip1 at gmail"): "day 3: too much was refused",
        ("domain_failing", "domain example.com"): "of tenant acme",
        ("tracking_host_failing", "tracking_host t.example.com"): "leads elsewhere",
        ("notices_failing", "target chat"): "HTTP 503",
    }
    assert set(found) == set(ALARMS), "each alarm is measured somewhere"


async def test_what_cannot_be_measured_keeps_nothing_else_from_it() -> None:
    """MSR1."""

    def broken() -> Any:
        raise OSError("broken")

    found = await measuring(pauses=broken, overdue=lambda *_: broken()).measure(CATALOGUE, NOW)
    missing = set(ALARMS) - set(found)
    assert "sender_paused" in missing
    assert "no_deliveries" in missing
    assert "address_listed" in found


async def test_what_is_not_known_yet_is_not_taken_for_nothing() -> None:
    found = await measuring(
        figures=lambda: None,
        pauses=lambda: None,
        domains=lambda: None,
        tracking_hosts=lambda: None,
    ).measure(CATALOGUE, NOW)
    for name in ("bounce_rate", "sender_paused", "domain_failing", "tracking_host_failing"):
        assert name not in found
