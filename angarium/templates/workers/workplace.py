"""One worker at work: what it is given, and what becomes of its answers."""

from itertools import groupby
from typing import Final

from angarium.templates.rendering import Problem
from angarium.templates.workers.backlog import Batch
from angarium.templates.workers.process import DeadError, WorkerProcess
from angarium.templates.workers.recent import Recent
from angarium.templates.workers.request import ExaminationRequest, Job, Request, Settings, encode
from angarium.templates.workers.wire import Done, Examine, Examined, Lot, Render

TASK_OCTETS: Final = 1 << 20  # ours: of data; one filling is always within


class Workplace:
    def __init__(self, worker: WorkerProcess, settings: Settings, patience_s: float) -> None:
        self._worker = worker
        self._patience_s = patience_s
        self._has: Recent[bool] = Recent(settings.cache_bundles)  # what the worker has, too
        self.is_worn = False

    @property
    def pid(self) -> int:
        return self._worker.pid

    async def do(self, batch: Batch) -> list[Job]:
        """Have a batch done, and answer its jobs; returns those that were not begun. Raises DeadError.

        Answers jobs that cannot be tried at all, and takes them out of the batch.
        """
        match batch.jobs[0].request:
            case ExaminationRequest() as examination:
                await self._examine(examination)
                return []
            case Request():
                return await self._render(batch)

    async def close(self) -> None:
        await self._worker.close()

    async def _render(self, batch: Batch) -> list[Job]:
        task, rest = self._task(batch)
        if not task.lots:
            return rest
        sent = batch.jobs[: len(batch.jobs) - len(rest)]
        report = await self._worker.ask(task, self._patience_s)
        if not isinstance(report, Done) or not self._fits(report, task, sent):
            raise DeadError(await self._worker.bury(was_wrong=True))
        for job, answer in zip(sent, report.answers, strict=False):
            if job.is_wanted:
                assert isinstance(job.request, Request)
                job.request.answer(job.place, answer)
        for digest in report.lacking:
            self._has.forget(digest)
        self.is_worn = report.is_worn
        return batch.jobs[len(report.answers) :]

    def _fits(self, report: Done, task: Render, sent: list[Job]) -> bool:
        """Whether it may be an answer, and the work goes on by it."""
        lacks = set(report.lacking)
        if lacks & task.bundles.keys() or not lacks <= {lot.digest for lot in task.lots}:
            return False
        return len(report.answers) <= len(sent) and bool(report.answers or lacks)

    async def _examine(self, request: ExaminationRequest) -> None:
        report = await self._worker.ask(
            Examine(bundle=request.bundle, sample=request.sample), self._patience_s
        )
        if not isinstance(report, Examined):
            raise DeadError(await self._worker.bury(was_wrong=True))
        request.answer(report.examination)

    def _task(self, batch: Batch) -> tuple[Render, list[Job]]:
        """Return what the worker is told, and the jobs for which there is no room."""
        lots: list[Lot] = []
        bundles: dict[str, bytes] = {}
        sent: list[Job] = []
        octets = 0
        jobs = batch.jobs
        tried = 0
        for digest, group in groupby(jobs, lambda job: job.request.whose[1]):
            fillings: list[bytes] = []
            for job in group:
                if octets >= TASK_OCTETS:
                    break
                tried += 1
                filling = self._filling(job, digest, bundles)
                if filling is None:
                    continue
                octets += len(filling)
                fillings.append(filling)
                sent.append(job)
            if fillings:
                lots.append(Lot(digest=digest, fillings=tuple(fillings)))
            if octets >= TASK_OCTETS:
                break
        rest = jobs[tried:]
        batch.jobs = sent + rest
        return Render(lots=tuple(lots), bundles=bundles), rest

    def _filling(self, job: Job, digest: str, bundles: dict[str, bytes]) -> bytes | None:
        """Return it encoded; None: it was answered. The worker has its bundle, or gets it."""
        request = job.request
        assert isinstance(request, Request)
        if not job.is_wanted:
            return None
        encoded = encode(request.fillings[job.place])
        if isinstance(encoded, Problem):
            request.answer(job.place, encoded)
            return None
        if not self._has.find(digest):
            try:
                bundle = request.load()
            except Exception as error:  # noqa: BLE001  (of the caller's: it goes there)
                request.fail(error)
                return None
            bundles[digest] = bundle
            self._has.add(digest, True, len(bundle))
        return encoded
