"""What renders templates in a process of the server, made of its configuration, and who hears of it."""

from angarium.config.schema import Templates
from angarium.service.runtime import Runtime
from angarium.telemetry.log import log
from angarium.telemetry.metrics import Metrics
from angarium.templates.rendering import Problem, Rendered
from angarium.templates.workers.observer import KillReason, RenderObserver
from angarium.templates.workers.pool import RenderPool
from angarium.templates.workers.request import Settings


def open_pool(runtime: Runtime) -> RenderPool:
    """Return the pool of a role's process; it starts nothing before it is used, and is closed by who opens it."""
    runtime.metrics.rendering.worker_limit.set(runtime.config.templates.workers)
    return RenderPool(settings_of(runtime.config.templates), RenderTeller(runtime.metrics))


def settings_of(config: Templates) -> Settings:
    return Settings(
        workers=config.workers,
        memory_octets=config.memory_octets,
        wall_s=config.wall_s,
        cpu_s=config.wall_s / 2,
        output_octets=config.output_octets,
        cache_bundles=config.cache_bundles,
    )


class RenderTeller(RenderObserver):
    """Counts, and logs what an operator has to know."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics.rendering
        self._lacking: tuple[str, ...] = ()  # as it was logged

    def rendered(self, answer: Rendered | Problem) -> None:
        outcome = answer.kind.value if isinstance(answer, Problem) else "rendered"
        self._metrics.renders[outcome].add()

    def answered(self, seconds: float) -> None:
        self._metrics.time.observe(seconds)

    def waiting(self, fillings: int, workers: int, idle: int) -> None:
        self._metrics.waiting.set(fillings)
        self._metrics.workers.set(workers)
        self._metrics.workers_busy.set(workers - idle)

    def worker_ended(
        self, reason: KillReason, words: str, *, tenant: str, digest: str, pid: int
    ) -> None:
        self._metrics.ended[reason].add()
        if reason != "worn":
            log(
                "render_worker_ended",
                "warning",
                reason=reason,
                detail=words,
                tenant=tenant,
                template=digest or None,
                worker=pid,
            )

    def bundle_rests(self, tenant: str, digest: str, problem: Problem) -> None:
        text = problem.message
        log("template_rests", "warning", tenant=tenant, template=digest, problem=text)

    def workers_fail(self, reason: str, rest_s: float) -> None:
        log("render_workers_fail", "error", reason=reason, rest_s=rest_s)

    def less_confined(self, lacking: tuple[str, ...]) -> None:
        if lacking != self._lacking:
            self._lacking = lacking
            log("render_worker_less_confined", lacking=", ".join(lacking))
