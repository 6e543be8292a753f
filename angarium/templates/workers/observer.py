"""Who is told what a pool's workers do."""

from typing import Literal, Protocol

from angarium.templates.rendering import Problem, Rendered

# cpu: a filling took too much processor time; late: too much of anybody's; memory: too much of that; crash: whatever
# else a process ends of; worn: it gave way to a fresh one
KillReason = Literal["cpu", "late", "memory", "crash", "worn"]


class RenderObserver(Protocol):
    def rendered(self, answer: Rendered | Problem) -> None:
        """A filling was answered."""

    def answered(self, seconds: float) -> None:
        """All fillings of a request were, so long after it came."""

    def waiting(self, fillings: int, workers: int, idle: int) -> None:
        """So many wait now, and so many workers are there, of which some have nothing to do."""

    def worker_ended(
        self, reason: KillReason, words: str, *, tenant: str, digest: str, pid: int
    ) -> None:
        """What it had in hand is tried again. ``digest`` "": it had several bundles."""

    def bundle_rests(self, tenant: str, digest: str, problem: Problem) -> None:
        """Workers ended of one filling of it after the other: for a while, it is not tried."""

    def less_confined(self, lacking: tuple[str, ...]) -> None:
        """This kernel cannot take these from a worker. Each worker says so."""

    def workers_fail(self, reason: str, rest_s: float) -> None:
        """None can be started, time and again: so long, nothing is rendered."""


class Unobserved(RenderObserver):
    def rendered(self, answer: Rendered | Problem) -> None:
        pass

    def answered(self, seconds: float) -> None:
        pass

    def waiting(self, fillings: int, workers: int, idle: int) -> None:
        pass

    def worker_ended(
        self, reason: KillReason, words: str, *, tenant: str, digest: str, pid: int
    ) -> None:
        pass

    def bundle_rests(self, tenant: str, digest: str, problem: Problem) -> None:
        pass

    def workers_fail(self, reason: str, rest_s: float) -> None:
        pass

    def less_confined(self, lacking: tuple[str, ...]) -> None:
        pass
