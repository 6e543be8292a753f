"""Metrics of what is made of templates, and of the processes that do it."""

from typing import Final

from angarium.telemetry.maker import MetricMaker

RENDER_OUTCOMES: Final = (
    *("rendered", "syntax", "missing_variable", "wrong_variable", "too_large", "too_slow"),
    *("memory", "failed", "busy"),
)
RENDER_WORKER_ENDS: Final = ("cpu", "late", "memory", "crash", "worn")
# From a request to its last mail: at once by a worker that is there, after one was started, after a batch
RENDER_BUCKETS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class RenderingMetrics:
    """Made once per process, by ``Metrics``."""

    def __init__(self, maker: MetricMaker) -> None:
        self.renders = maker.counters(
            "renders", "Mails made of templates, by what became of them", outcome=RENDER_OUTCOMES
        )
        self.time = maker.distribution(
            "render_seconds", "From a request to its last rendered mail", RENDER_BUCKETS_S
        )
        self.waiting = maker.gauge("renders_waiting", "Mails that wait to be rendered")
        self.workers = maker.gauge("render_workers", "Processes that render templates")
        self.workers_busy = maker.gauge(
            "render_workers_busy", "Of these, those that start, or have something in hand"
        )
        self.worker_limit = maker.gauge(
            "render_workers_limit", "Such processes that there may be (templates.workers)"
        )
        self.ended = maker.counters(
            "render_workers_ended",
            "Such processes that ended of what they had in hand",
            reason=RENDER_WORKER_ENDS,
        )
