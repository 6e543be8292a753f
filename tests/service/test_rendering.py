"""Mirrors angarium/service/rendering.py."""

import logging

import pytest

from angarium.config.schema import Templates
from angarium.service.rendering import RenderTeller, settings_of
from angarium.telemetry.metrics import Metrics
from angarium.telemetry.rendering_metrics import RENDER_OUTCOMES, RENDER_WORKER_ENDS
from angarium.templates.rendering import Problem, ProblemKind, Rendered


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def teller(metrics: Metrics) -> RenderTeller:
    return RenderTeller(metrics)


def shown(metrics: Metrics) -> dict[str, float]:
    lines = metrics.render().decode().splitlines()
    return {
        name: float(value)
        for name, _, value in (each.rpartition(" ") for each in lines if each[:1] != "#")
        if "render" in name and float(value) and "bucket" not in name
    }


def test_answers_are_counted_by_what_they_are(metrics: Metrics, teller: RenderTeller) -> None:
    assert set(RENDER_OUTCOMES) == {"rendered", *(each.value for each in ProblemKind)}
    teller.rendered(Rendered(subject="s"))
    for kind in ProblemKind:
        teller.rendered(Problem(kind=kind, message="m"))
    teller.rendered(Problem(kind=ProblemKind.BUSY, message="m"))
    teller.answered(0.25)
    teller.waiting(7, 2, 1)
    name = 'angarium_renders_total{outcome="%s"}'
    assert shown(metrics) == {
        **{name % each: 1.0 for each in RENDER_OUTCOMES},
        name % "busy": 2.0,
        "angarium_render_seconds_count": 1.0,
        "angarium_render_seconds_sum": 0.25,
        "angarium_renders_waiting": 7.0,
        "angarium_render_workers": 2.0,
        "angarium_render_workers_busy": 1.0,
    }


def test_a_worker_that_ended_is_counted_and_told_with_whose_it_was(
    metrics: Metrics, teller: RenderTeller, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "angarium"):
        for reason in RENDER_WORKER_ENDS:
            teller.worker_ended(reason, "signal SIGSEGV", tenant="acme", digest="d1", pid=42)  # type: ignore[arg-type]
    name = 'angarium_render_workers_ended_total{reason="%s"}'
    assert shown(metrics) == {name % each: 1.0 for each in RENDER_WORKER_ENDS}
    told = [(each.event, each.ids) for each in caplog.records]  # type: ignore[attr-defined]
    assert [ids["reason"] for _, ids in told] == ["cpu", "late", "memory", "crash"]
    assert told[0] == (
        "render_worker_ended",
        {
            "reason": "cpu",
            "detail": "signal SIGSEGV",
            "tenant": "acme",
            "template": "d1",
            "worker": 42,
        },
    )


def test_what_an_operator_must_know_is_logged(
    teller: RenderTeller, caplog: pytest.LogCaptureFixture
) -> None:
    slow = Problem(kind=ProblemKind.TOO_SLOW, message="It takes too long")
    with caplog.at_level(logging.INFO, "angarium"):
        teller.bundle_rests("acme", "d1", slow)
        teller.workers_fail("no memory", 2.0)
        for _ in range(3):
            teller.less_confined(("landlock",))
    found = [(each.levelname, each.event, each.ids) for each in caplog.records]  # type: ignore[attr-defined]
    assert found == [
        (
            "WARNING",
            "template_rests",
            {"tenant": "acme", "template": "d1", "problem": "It takes too long"},
        ),
        ("ERROR", "render_workers_fail", {"reason": "no memory", "rest_s": 2.0}),
        ("INFO", "render_worker_less_confined", {"lacking": "landlock"}),
    ]


def test_the_configuration_says_what_a_worker_may() -> None:
    config = Templates(
        workers=3, memory_octets=2**25, wall_s=0.5, output_octets=1000, cache_bundles=7
    )
    settings = settings_of(config)
    assert (settings.workers, settings.memory_octets) == (3, 2**25)
    assert (settings.wall_s, settings.cpu_s) == (0.5, 0.25)
    assert (settings.output_octets, settings.cache_bundles) == (1000, 7)
