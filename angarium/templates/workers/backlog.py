"""What waits for a worker, and what becomes of it where a worker ended. Does no I/O.

Fillings go to workers in lots. Where one ends with a lot in hand, each filling of that goes alone, so that only the one
at fault is lost; a bundle that a worker ended of goes alone from then on, and never to more than half of the workers.
"""

import signal
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from angarium.templates.rendering import Problem, ProblemKind
from angarium.templates.workers.observer import KillReason, RenderObserver
from angarium.templates.workers.process import Death
from angarium.templates.workers.request import ExaminationRequest, Job, Settings, busy
from angarium.templates.workers.suspects import Suspects, Whose
from angarium.templates.workers.turns import Turns

# Ours: a lot of typical mails takes some five milliseconds
LOT: Final = 32
SHARE: Final = 8
# Ours: whoever ended it from outside, or the machine being out of memory, is no fault of the filling's
STRIKES: Final = 2
KILLED_MESSAGE: Final = (
    "What fills in templates was killed from outside; nothing was stored: try again"
)


class Batch(msgspec.Struct, kw_only=True):
    """What one worker gets at a time: of one tenant."""

    tenant: str
    jobs: list[Job]
    is_alone: bool

    @property
    def digest(self) -> str:
        """Of its bundle; "": it has several."""
        found = {job.request.whose[1] for job in self.jobs}
        return found.pop() if len(found) == 1 else ""


class Backlog:
    """Invariant WK5: what was added is answered, taken, or waits: a worker's end changes who does it, loses none."""

    def __init__(
        self, settings: Settings, observer: RenderObserver, clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._observer = observer
        self._clock = clock  # seconds
        self._usual: Turns[Job] = Turns()
        self._alone: Turns[Job] = Turns()
        self._suspects = Suspects()
        self._most_alone = max(1, settings.workers // 2)
        self._alone_in_hand = 0
        self._alone_is_next = False

    def __len__(self) -> int:
        return len(self._usual) + len(self._alone)

    @property
    def has_next(self) -> bool:
        """Whether another worker would find something to do."""
        return bool(self._usual) or (bool(self._alone) and self._may_alone)

    def has_room(self, tenant: str, count: int) -> bool:
        """Whether so many more may wait. A tenant that has nothing waiting only meets the bound of all."""
        settings = self._settings
        waiting = self._usual.waiting_of(tenant) + self._alone.waiting_of(tenant)
        if waiting and waiting + count > settings.waiting_of_tenant:
            return False
        return len(self) + count <= settings.waiting

    def add(self, whose: Whose, jobs: Sequence[Job]) -> None:
        """Jobs of one request. An examination goes alone: nobody has seen the template yet."""
        verdict = self._suspects.find_verdict(whose, self._clock())
        if verdict is not None:
            for job in jobs:
                job.end(verdict)
            return
        is_alone = isinstance(jobs[0].request, ExaminationRequest) or self._is_suspect(whose)
        (self._alone if is_alone else self._usual).add(whose[0], jobs)

    def next(self) -> Batch | None:
        """Take what a worker is to do next; give it back to ``finish``, ``put_back`` or ``died``. None: nothing."""
        while self.has_next:
            self._alone_is_next = not self._alone_is_next
            may_alone = bool(self._alone) and self._may_alone
            is_alone = may_alone and (self._alone_is_next or not self._usual)
            batch = self._next_alone() if is_alone else self._next_usual()
            if batch is not None:
                return batch
        return None

    @property
    def _may_alone(self) -> bool:
        return self._alone_in_hand < self._most_alone

    def _next_alone(self) -> Batch | None:
        taken = self._alone.take(1)
        assert taken is not None
        tenant, (job,) = taken
        verdict = self._suspects.find_verdict(job.request.whose, self._clock())
        if not job.is_wanted:
            return None
        if verdict is not None:
            job.end(verdict)
            return None
        self._alone_in_hand += 1
        return Batch(tenant=tenant, jobs=[job], is_alone=True)

    def _next_usual(self) -> Batch | None:
        waiting = len(self._usual)
        # A few are shared out, if they are worth the way
        taken = self._usual.take(min(LOT, max(SHARE, -(-waiting // self._settings.workers))))
        assert taken is not None
        tenant, jobs = taken
        jobs = [job for job in jobs if job.is_wanted]
        if len(self._suspects):
            suspected = [job for job in jobs if self._is_suspect(job.request.whose)]
            self._alone.add(tenant, suspected)
            jobs = [job for job in jobs if not self._is_suspect(job.request.whose)]
        return Batch(tenant=tenant, jobs=jobs, is_alone=False) if jobs else None

    def finish(self, batch: Batch, rest: list[Job]) -> None:
        """A worker has done with it; ``rest`` was not begun."""
        self._leave(batch)
        if len(self._suspects):
            for job in batch.jobs[: len(batch.jobs) - len(rest)]:
                self._suspects.succeed(job.request.whose)
        self._back(batch, rest)

    def put_back(self, batch: Batch) -> None:
        """No worker had it."""
        self._leave(batch)
        self._back(batch, batch.jobs)

    def died(self, batch: Batch, death: Death, pid: int) -> None:
        """A worker ended that had it in hand."""
        reason = reason_of(death)
        self._observer.worker_ended(
            reason, death.words, tenant=batch.tenant, digest=batch.digest, pid=pid
        )
        self._leave(batch)
        for whose in {job.request.whose for job in batch.jobs}:
            self._suspects.doubt(whose, self._clock())
        jobs = [job for job in batch.jobs if job.is_wanted]
        if len(jobs) > 1:
            self._alone.put_back(batch.tenant, jobs)  # WK5
            return
        for job in jobs:
            job.strikes += 1
            if is_certain(death) or job.strikes >= STRIKES:
                self._blame(job, problem_of(reason, death, self._settings))
            else:
                self._alone.put_back(batch.tenant, [job])

    def _blame(self, job: Job, problem: Problem) -> None:
        whose = job.request.whose
        job.end(problem)
        if self._suspects.strike(whose, problem, self._clock()):
            self._observer.bundle_rests(*whose, problem)

    def drop(self, tenant: str) -> None:
        """Forget what of a tenant's nobody waits for any more."""
        for turns in (self._usual, self._alone):
            turns.drop(tenant, lambda job: job.is_wanted)

    def end_all(self, problem: Problem) -> None:
        """Answer all that waits."""
        for turns in (self._usual, self._alone):
            for job in turns.take_all():
                if job.is_wanted:
                    job.end(problem)

    def _is_suspect(self, whose: Whose) -> bool:
        return self._suspects.is_suspect(whose, self._clock())

    def _leave(self, batch: Batch) -> None:
        self._alone_in_hand -= batch.is_alone

    def _back(self, batch: Batch, jobs: list[Job]) -> None:
        (self._alone if batch.is_alone else self._usual).put_back(batch.tenant, jobs)


def reason_of(death: Death) -> KillReason:
    if death.was_late:
        return "late"
    match death.signal:
        case signal.SIGPROF | signal.SIGXCPU:
            return "cpu"
        case signal.SIGABRT:  # what a library in Rust does that gets no memory
            return "memory"
    return "crash"


def is_certain(death: Death) -> bool:
    """Whether what a worker had in hand alone is at fault, and not whoever killed it, or its memory of before."""
    if death.was_late:
        return not death.was_starved
    # The kernel's count of its processor time; and a stack that is used up, which depends on nothing else
    return death.signal in (signal.SIGPROF, signal.SIGXCPU, signal.SIGSEGV, signal.SIGBUS)


def problem_of(reason: KillReason, death: Death, settings: Settings) -> Problem:
    """Return what is said of the filling at fault."""
    # A template's own faults end in other signals: it was somebody else, or the kernel lacked memory
    if death.signal == signal.SIGKILL:
        return busy(KILLED_MESSAGE)
    match reason:
        case "cpu" | "late":
            text = f"It takes longer than {settings.cpu_s:g} s in the processor: let it do less"
            return Problem(kind=ProblemKind.TOO_SLOW, message=text)
        case "memory":
            text = f"It takes more memory than {settings.memory_octets >> 20} MiB: let it make less"
            return Problem(kind=ProblemKind.MEMORY, message=text)
        case "crash" | "worn":
            text = "The engine breaks on it: it nests too deep, or has chains that are too long"
            return Problem(kind=ProblemKind.FAILED, message=text)
