"""The platform's database as requests reach it: in one thread of the process, which alone waits for SQL.

Nothing on the way of a message comes here. What is refused is a FaultError, as whoever answers the request wants it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from angarium.config.schema import Config
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.telemetry.log import log
from angarium.tenancy import (
    ConflictError,
    NotFoundError,
    SnapshotFile,
    TenancyError,
    TenancySetupError,
)
from angarium.tenancy.templates.model import TemplateError

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform

T = TypeVar("T")
# Ours: what waits beyond that is told to come again
WAITING: Final = 64
RETRY_S: Final = 1


class PlatformAccess:
    """Invariants:

    PLA1. Work is done one after the other, by one thread; at most WAITING are under way, and others are refused.
    PLA2. What was changed is in force in this process when ``run`` returns, and within a second in all others.
    """

    def __init__(
        self, open_platform: "Callable[[], Platform]", snapshots: SnapshotFile, actor: str = "API"
    ) -> None:
        """``open_platform``: called in the thread, at the first work. ``actor``: of what no key asked for."""
        self._open = open_platform
        self._snapshots = snapshots
        self._actor = actor
        self._platform: Platform | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="platform")  # PLA1
        self._under_way = 0

    @classmethod
    def of(cls, config: Config, snapshots: SnapshotFile) -> "PlatformAccess":
        return cls(lambda: _opened(config), snapshots)

    async def run(self, work: "Callable[[Platform], T]", *, by: Caller | None = None) -> T:
        """Return what ``work`` returns; audit entries name the key of ``by``. On disk then, and in force.

        Who stops waiting takes nothing back. Raises FaultError: NOT_FOUND, CONFLICT or INVALID with the field, as the
        platform refused it; BUSY: the database cannot be used, or too many wait.
        """
        if self._under_way >= WAITING:  # PLA1
            raise _busy("too many requests wait for the platform's database")
        actor = self._actor if by is None else by.actor
        self._under_way += 1
        done = asyncio.get_running_loop().run_in_executor(self._thread, self._do, work, actor)
        done.add_done_callback(self._count_down)
        try:
            result, published = await asyncio.shield(done)
        except NotFoundError as error:
            raise _fault(FaultKind.NOT_FOUND, error) from None
        except ConflictError as error:
            raise _fault(FaultKind.CONFLICT, error) from None
        except TenancyError as error:
            raise _fault(FaultKind.INVALID, error) from None
        except TenancySetupError as error:
            log("tenancy_database_unreachable", "error", problem=str(error))
            raise _busy("the platform's database cannot be used now") from None
        if published:
            self._snapshots.refresh()  # PLA2
        return result

    def close(self) -> None:
        """Wait for the work under way, and close the database."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=True)

    def _count_down(self, done: "asyncio.Future[tuple[Any, bool]]") -> None:
        self._under_way -= 1
        if not done.cancelled():
            done.exception()  # seen, even if nobody waits for it any more

    def _do(self, work: "Callable[[Platform], T]", actor: str) -> tuple[T, bool]:
        if self._platform is None:
            self._platform = self._open()
        platform = self._platform.acting_as(actor)
        before = platform.version()
        try:
            result = work(platform)
        except TenancyError:
            # What came before in the same work is done
            self._publish(platform, before)
            raise
        return result, self._publish(platform, before)

    def _publish(self, platform: "Platform", before: int) -> bool:
        """The platform process makes good what fails here: it looks for what is not published."""
        try:
            if platform.version() == before:
                return False
            platform.publish()
        except TenancySetupError as error:
            log("tenancy_database_unreachable", "error", problem=str(error))
        return True

    def _close(self) -> None:
        if self._platform is not None:
            self._platform.close()


def _opened(config: Config) -> "Platform":
    # Imported where it is used: SQLAlchemy is 25 MB
    from angarium.tenancy.platform import Platform

    return Platform.open(config, actor="server")


def _fault(kind: FaultKind, error: TenancyError) -> FaultError:
    first = error.problems[0] if isinstance(error, TemplateError) and error.problems else None
    fault = Fault(
        kind=kind,
        message=error.text,
        field=error.field,
        line=None if first is None else first.line,
        column=None if first is None else first.column,
    )
    return FaultError(fault)


def _busy(text: str) -> FaultError:
    message = f"{text}; nothing was changed, try again"
    return FaultError(Fault(kind=FaultKind.BUSY, message=message, retry_after_s=RETRY_S))
