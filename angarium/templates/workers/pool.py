"""The workers of one process of the server: a ``Renderer`` that nothing hostile gets out of.

They are started when there is work, and end when there has been none for minutes.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from angarium.telemetry.log import log_exception
from angarium.templates.bundle import Bundle, encode_bundle, encoded_digest
from angarium.templates.rendering import Examination, Filling, Problem, Rendered, Renderer
from angarium.templates.workers.backlog import Backlog, Batch
from angarium.templates.workers.launch import ENGINE, Program
from angarium.templates.workers.observer import RenderObserver
from angarium.templates.workers.process import DeadError, Death, StartError, WorkerProcess
from angarium.templates.workers.request import (
    BUSY_MESSAGE,
    NOBODY_MESSAGE,
    ExaminationRequest,
    Job,
    Request,
    Settings,
    busy,
    encode,
)
from angarium.templates.workers.wire import Limits
from angarium.templates.workers.workplace import Workplace

# Ours: a worker answers after so long with what it has, so that tenants' turns are short
SLICE_S: Final = 0.02
ANSWER_OCTETS: Final = 1 << 20
# Ours: so many workers that end before they are ready, one after the other, are no accident
FAILED_STARTS: Final = 3
FIRST_REST_S: Final = 1.0
LAST_REST_S: Final = 60.0
T = TypeVar("T")


class RenderPool(Renderer):
    """Used from one event loop, in the thread that lives as long as the process.

    Invariant WK6: each request is answered, whatever becomes of workers; without any, it is BUSY at once.
    """

    def __init__(
        self,
        settings: Settings,
        observer: RenderObserver,
        *,
        engine: str = ENGINE,
        path: tuple[str, ...] = (),
    ) -> None:
        """``engine``: "module:function", run in the workers; ``path``: where else they find it."""
        limits = Limits(
            memory_octets=settings.memory_octets,
            cpu_s=settings.cpu_s,
            output_octets=settings.output_octets,
            cache_bundles=settings.cache_bundles,
            slice_s=SLICE_S,
            answer_octets=ANSWER_OCTETS,
        )
        self._settings = settings
        self._program = Program(limits, engine, path)
        self._observer = observer
        self._backlog = Backlog(settings, observer, _now)
        self._workers: dict[asyncio.Task[None], Workplace | None] = {}  # None: it is starting
        self._idle: list[asyncio.Future[None]] = []  # of workers that wait for work
        self._failed_starts = 0
        self._rest_until = 0.0  # of the loop's time; until then, none is started
        self._is_closed = False

    @property
    def pids(self) -> tuple[int, ...]:
        """Of workers that are ready."""
        return tuple(each.pid for each in self._workers.values() if each is not None)

    async def render(
        self,
        bundle_digest: str,
        load: Callable[[], bytes],
        fillings: Sequence[Filling],
        *,
        tenant: str,
    ) -> list[Rendered | Problem]:
        if not fillings:
            return []
        if refusal := self._find_refusal(tenant, len(fillings)):
            return self._told([refusal] * len(fillings))
        begun = _now()
        request = Request(tenant, bundle_digest, load, fillings)
        self._backlog.add(request.whose, [Job(request, place) for place in range(len(fillings))])
        answers = self._told(await self._settled(tenant, request.done))
        self._observer.answered(_now() - begun)
        return answers

    async def examine(
        self, bundle: Bundle, sample: Filling | None = None, *, tenant: str
    ) -> Examination:
        filling = None if sample is None else encode(sample)
        refusal = filling if isinstance(filling, Problem) else self._find_refusal(tenant, 1)
        if refusal:
            return Examination(problems=(refusal,))
        assert not isinstance(filling, Problem)
        encoded = encode_bundle(bundle)
        request = ExaminationRequest(tenant, encoded_digest(encoded), encoded, filling)
        self._backlog.add(request.whose, [Job(request)])
        return await self._settled(tenant, request.done)

    async def close(self) -> None:
        """End all workers. What still waits is BUSY."""
        self._is_closed = True
        tasks = tuple(self._workers)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._backlog.end_all(busy(NOBODY_MESSAGE))

    def observe(self) -> None:
        """Tell the observer how much waits, about once a second."""
        self._observer.waiting(len(self._backlog), len(self._workers), len(self._idle))

    def _find_refusal(self, tenant: str, count: int) -> Problem | None:
        """Return why so many fillings are not taken; None: they are."""
        if self._is_closed or (not self._workers and self._is_resting):
            return busy(NOBODY_MESSAGE)
        return None if self._backlog.has_room(tenant, count) else busy(BUSY_MESSAGE)

    async def _settled(self, tenant: str, done: "asyncio.Future[T]") -> T:
        self._call_for_work()
        try:
            return await done
        finally:
            if done.cancelled():
                self._backlog.drop(tenant)

    def _told(self, answers: list[Rendered | Problem]) -> list[Rendered | Problem]:
        for each in answers:
            self._observer.rendered(each)
        return answers

    @property
    def _is_resting(self) -> bool:
        return _now() < self._rest_until

    def _call_for_work(self) -> None:
        """Have one more worker look at what waits, if there is anything for it."""
        if self._is_closed or not self._backlog.has_next:
            return
        if self._idle:
            self._idle.pop().set_result(None)  # the last one to be idle: others may end
        elif len(self._workers) < self._settings.workers and not self._is_resting:
            task = asyncio.create_task(self._work())
            self._workers[task] = None
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._workers[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            log_exception("internal_error", error, where="render worker")
        if not self._workers and self._is_resting:
            self._backlog.end_all(busy(NOBODY_MESSAGE))  # WK6
        self._call_for_work()

    async def _work(self) -> None:
        """The life of one worker."""
        try:
            worker = await WorkerProcess.open(self._program)
        except StartError as error:
            self._start_failed(str(error))
            return
        self._failed_starts = 0
        if worker.lacking:
            self._observer.less_confined(worker.lacking)
        patience_s = SLICE_S + self._settings.wall_s
        place = Workplace(worker, self._settings, patience_s)
        task = asyncio.current_task()
        assert task is not None
        self._workers[task] = place
        try:
            while not place.is_worn and (batch := await self._next_batch()) is not None:
                self._call_for_work()  # there may be more
                await self._do(place, batch)
            if place.is_worn:
                self._observer.worker_ended("worn", "", tenant="", digest="", pid=place.pid)
        except DeadError:
            pass  # the backlog knows
        finally:
            await place.close()

    async def _do(self, place: Workplace, batch: Batch) -> None:
        """Raises DeadError: the worker is gone, and what it had in hand waits again."""
        try:
            rest = await place.do(batch)
        except DeadError as error:
            self._backlog.died(batch, error.death, place.pid)
            raise
        except asyncio.CancelledError:
            self._backlog.put_back(batch)
            raise
        except Exception:
            self._backlog.died(batch, Death(was_wrong=True), place.pid)  # not for ever the same
            raise
        self._backlog.finish(batch, rest)

    async def _next_batch(self) -> Batch | None:
        """Wait for work; None: there was none for too long."""
        while (batch := self._backlog.next()) is None:
            called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._idle.append(called)
            try:
                async with asyncio.timeout(self._settings.idle_s):
                    await called
            except TimeoutError:
                return None
            finally:
                if called in self._idle:
                    self._idle.remove(called)
        return batch

    def _start_failed(self, reason: str) -> None:
        self._failed_starts += 1
        over = self._failed_starts - FAILED_STARTS
        if over < 0:
            return
        rest_s = min(FIRST_REST_S * 2 ** min(over, 16), LAST_REST_S)
        self._rest_until = _now() + rest_s
        self._observer.workers_fail(reason, rest_s)


def _now() -> float:
    return asyncio.get_running_loop().time()
