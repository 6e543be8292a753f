"""A worker: renders what its pool sends, in a process that can do nothing else. Blocks; imports nothing of the server.

Run by ``launch``, as ``main(["FD", "PARENT", "LIMITS", "MODULE:FUNCTION"])``. The function returns the ``Engine``.
"""

import gc
import importlib
import socket
import time
from typing import Final, Protocol

from angarium.templates.rendering import Examination, Filling, Problem, ProblemKind, Rendered
from angarium.templates.workers import confinement
from angarium.templates.workers.recent import Recent
from angarium.templates.workers.wire import (
    LENGTH_OCTETS,
    Done,
    Examine,
    Examined,
    Limits,
    Lot,
    Ready,
    Render,
    Report,
    Task,
    Unable,
    frame,
    read_filling,
    read_limits,
    read_task,
    size_of,
)

# Ours: the memory in use is looked at after so many fillings
LOOK_AFTER: Final = 256


class Prepared(Protocol):
    """A bundle that is ready to be filled."""

    def render(self, filling: Filling) -> Rendered | Problem: ...


class Engine(Protocol):
    def prepare(self, bundle: bytes) -> Prepared:
        """Make an encoded bundle ready: compile it."""
        ...

    def examine(self, bundle: bytes, sample: Filling | None) -> Examination: ...


class Worker:
    """Invariant WK4: no answer is longer than its limit, and no filling takes more processor time than its own."""

    def __init__(self, engine: Engine, limits: Limits, memory: confinement.Memory) -> None:
        self._engine = engine
        self._limits = limits
        self._prepared: Recent[Prepared] = Recent(limits.cache_bundles)
        self._is_worn = False
        self._memory = memory
        # Ours: with half of its room used up, what is left may not do for a mail that it would do for elsewhere
        self._worn_at = memory.address_space() + limits.memory_octets // 2
        self._unseen = 0  # fillings since the last look at the memory

    def do(self, task: Task) -> Report:
        match task:
            case Render():
                return self._render(task)
            case Examine():
                return self._examine(task)

    def _render(self, task: Render) -> Done:
        answers: list[Rendered | Problem] = []
        until = time.monotonic() + self._limits.slice_s
        octets = 0
        for lot in task.lots:
            bundle = task.bundles.get(lot.digest)
            if bundle is None and lot.digest not in self._prepared:
                return self._done(answers, lacking=(lot.digest,))
            for encoded in lot.fillings:
                answer = self._bounded(self._fill(lot, bundle, encoded))
                answers.append(answer)
                octets += size_of(answer)
                if (
                    self._is_worn
                    or octets >= self._limits.answer_octets
                    or time.monotonic() >= until
                ):
                    return self._done(answers)
        return self._done(answers)

    def _done(self, answers: list[Rendered | Problem], lacking: tuple[str, ...] = ()) -> Done:
        self._unseen += len(answers)
        if self._unseen >= LOOK_AFTER:
            self._unseen = 0
            self._is_worn = self._is_worn or self._memory.address_space() > self._worn_at
        return Done(answers=tuple(answers), lacking=lacking, is_worn=self._is_worn)

    def _fill(self, lot: Lot, bundle: bytes | None, encoded: bytes) -> Rendered | Problem:
        confinement.begin_filling(self._limits.cpu_s)  # WK4
        try:
            prepared = self._prepared.find(lot.digest)
            if prepared is None:
                assert bundle is not None  # seen to above
                prepared = self._prepare(lot.digest, bundle)
            return prepared.render(read_filling(encoded))
        except MemoryError:
            self._is_worn = True
            return Problem(kind=ProblemKind.MEMORY, message=MEMORY_MESSAGE)
        except Exception as error:  # noqa: BLE001  (whatever it is, only this filling is lost)
            return Problem(kind=ProblemKind.FAILED, message=failed_message(error))
        except BaseException as error:  # noqa: BLE001  (a panic of the engine's: who knows what is left of it)
            self._is_worn = True
            return Problem(kind=ProblemKind.FAILED, message=failed_message(error))
        finally:
            confinement.end_filling()

    def _prepare(self, digest: str, bundle: bytes) -> Prepared:
        prepared = self._engine.prepare(bundle)
        self._prepared.add(digest, prepared, len(bundle))
        return prepared

    def _bounded(self, answer: Rendered | Problem) -> Rendered | Problem:
        limit, size = self._limits.output_octets, size_of(answer)
        if size <= limit // 4 or (size <= limit and _octets_of(answer) <= limit):
            return answer
        text = f"What comes of it is longer than {limit} octets: shorten it"  # WK4
        return Problem(kind=ProblemKind.TOO_LARGE, message=text)

    def _examine(self, task: Examine) -> Report:
        confinement.begin_filling(self._limits.cpu_s)
        try:
            sample = None if task.sample is None else read_filling(task.sample)
            examination = self._engine.examine(task.bundle, sample)
        except MemoryError:
            problem = Problem(kind=ProblemKind.MEMORY, message=MEMORY_MESSAGE)
            examination = Examination(problems=(problem,))
        except BaseException as error:  # noqa: BLE001  (as above)
            problem = Problem(kind=ProblemKind.FAILED, message=failed_message(error))
            examination = Examination(problems=(problem,))
        finally:
            confinement.end_filling()
        return Examined(examination)


MEMORY_MESSAGE: Final = "It takes more memory than a mail may: let it make less"


def failed_message(error: BaseException) -> str:
    return f"The template cannot be rendered: {type(error).__name__}: {str(error)[:500]}"


def _octets_of(answer: Rendered | Problem) -> int:
    if isinstance(answer, Problem):
        return len(answer.message.encode())
    texts = (answer.subject, answer.preheader, answer.html, answer.text, answer.amp)
    return sum(len(each.encode(errors="replace")) for each in texts if each)


def main(arguments: list[str]) -> None:
    """Serve until the pool closes the socket."""
    fd, parent, limits_json, engine_path = arguments
    limits = read_limits(limits_json)
    channel = confinement.settle(int(fd), int(parent))
    try:
        module, _, function = engine_path.partition(":")
        engine: Engine = getattr(importlib.import_module(module), function)()
        gc.collect()
        gc.freeze()
        confined = confinement.confine(limits.memory_octets)
        worker = Worker(engine, limits, confined.memory)
    except Exception as error:  # noqa: BLE001  (whatever it is, the pool logs it)
        channel.sendall(frame(Unable(f"{type(error).__name__}: {error}")))
        return
    channel.sendall(frame(Ready(lacking=confined.lacking)))
    while (octets := _receive(channel)) is not None:
        channel.sendall(frame(worker.do(read_task(octets))))


def _receive(channel: socket.socket) -> bytes | bytearray | None:
    """Return the next frame; None: the pool has closed."""
    head = _exactly(channel, LENGTH_OCTETS)
    return None if head is None else _exactly(channel, int.from_bytes(head, "big"))


def _exactly(channel: socket.socket, length: int) -> bytearray | None:
    octets = bytearray(length)
    view = memoryview(octets)
    while view:
        received = channel.recv_into(view)
        if not received:
            return None
        view = view[received:]
    return octets
