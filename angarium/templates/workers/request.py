"""What somebody asked of a pool, and how far it is."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from angarium.templates.rendering import (
    MAX_DATA_OCTETS,
    Examination,
    Filling,
    Problem,
    ProblemKind,
    Rendered,
)
from angarium.templates.workers.suspects import Whose
from angarium.templates.workers.wire import WireError, encode_filling

# Stands where an answer will be
_NOT_YET: Final = Problem(kind=ProblemKind.FAILED, message="")


def _future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


class Request:
    """Answered once all of its fillings are."""

    def __init__(
        self,
        tenant: str,
        digest: str,
        load: Callable[[], bytes],
        fillings: Sequence[Filling],
    ) -> None:
        self.whose: Final[Whose] = (tenant, digest)
        self.load: Final = load
        self.fillings: Final = fillings
        self.done: Final[asyncio.Future[list[Rendered | Problem]]] = _future()
        self._answers: list[Rendered | Problem] = [_NOT_YET] * len(fillings)
        self._left = len(fillings)

    @property
    def is_wanted(self) -> bool:
        """Somebody still waits for it."""
        return not self.done.done()

    def answer(self, place: int, answer: Rendered | Problem) -> None:
        """Each place is answered once."""
        assert self._answers[place] is _NOT_YET
        self._answers[place] = answer
        self._left -= 1
        if not self._left and self.is_wanted:
            self.done.set_result(self._answers)

    def fail(self, error: BaseException) -> None:
        """It cannot be tried: the caller gets this."""
        if self.is_wanted:
            self.done.set_exception(error)


class ExaminationRequest:
    """A template to be looked at."""

    def __init__(self, tenant: str, digest: str, bundle: bytes, sample: bytes | None) -> None:
        self.whose: Final[Whose] = (tenant, digest)
        self.bundle: Final = bundle
        self.sample: Final = sample
        self.done: Final[asyncio.Future[Examination]] = _future()

    @property
    def is_wanted(self) -> bool:
        return not self.done.done()

    def answer(self, examination: Examination) -> None:
        if self.is_wanted:
            self.done.set_result(examination)


class Job:
    """One filling of a request (``place``), or an examination."""

    __slots__ = ("place", "request", "strikes")

    def __init__(self, request: Request | ExaminationRequest, place: int = 0) -> None:
        self.request = request
        self.place = place
        self.strikes = 0  # workers that ended while they had it alone

    @property
    def tenant(self) -> str:
        return self.request.whose[0]

    @property
    def is_wanted(self) -> bool:
        return self.request.is_wanted

    def end(self, problem: Problem) -> None:
        """It is answered by what went wrong."""
        match self.request:
            case Request():
                self.request.answer(self.place, problem)
            case ExaminationRequest():
                self.request.answer(Examination(problems=(problem,)))


def encode(filling: Filling) -> bytes | Problem:
    """Return it as workers take it, or what is wrong with it."""
    try:
        encoded = encode_filling(filling)
    except WireError as error:
        text = f"The data are not plain values, as JSON has them: {error}"
        return Problem(kind=ProblemKind.WRONG_VARIABLE, message=text)
    if len(encoded) > MAX_DATA_OCTETS:
        text = f"The data are longer than {MAX_DATA_OCTETS} octets: leave out what is not shown"
        return Problem(kind=ProblemKind.TOO_LARGE, message=text)
    return encoded


BUSY_MESSAGE: Final = "Too many mails wait to be rendered: try again later"
NOBODY_MESSAGE: Final = (
    "No template can be rendered at the moment, by no fault of it: try again later"
)


def busy(message: str) -> Problem:
    return Problem(kind=ProblemKind.BUSY, message=message)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Of a pool."""

    workers: int
    memory_octets: int  # of one, besides what it has when it begins
    wall_s: float  # of one filling
    cpu_s: float  # of one filling, in processor time
    output_octets: int  # of one filling
    cache_bundles: int  # in each worker
    idle_s: float = 300.0  # then a worker that has nothing to do ends
    waiting: int = 100_000  # fillings, of all tenants
    waiting_of_tenant: int = 40_000  # beside another request; ours: two of the largest batches
