"""Has certificates ordered for tracking hosts that want one, and renewed before they end: one order at a time.

When is ``issuance.schedule``'s, how ``issuance.authority``'s. What was tried is on disk before and after each order, so
that a server that dies, or is restarted often, orders no more than one that runs.
"""

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol, TypeVar

from angarium.config.schema import Acme
from angarium.issuance import schedule
from angarium.issuance.model import HostStatus, Trouble, Validity
from angarium.issuance.store import IssuanceError, IssuanceStore
from angarium.queue import UnixMs
from angarium.telemetry import log, log_exception
from angarium.telemetry.metrics import Metrics
from angarium.telemetry.timestamp import rfc3339
from angarium.tenancy.model import TrackingHostState

LOOK_S: Final = 1.0
AFTER_TROUBLE_MS: Final = 60_000
T = TypeVar("T")


class Orders(Protocol):
    """``issuance.authority.Authority`` does. Blocks."""

    def resumes(self, host: str) -> bool: ...

    def issue(self, host: str) -> Trouble | None: ...


class CertificateWatch:
    """Invariant CW1: what begins is on disk before the authority hears of it (SC1)."""

    def __init__(
        self,
        config: Acme | None,
        store: IssuanceStore,
        open_orders: Callable[[Acme], Orders],
        states: Callable[[], Mapping[str, TrackingHostState]],
        has_files: Callable[[str], bool],
        on_issued: Callable[[str], None],
        clock: Callable[[], UnixMs],
        metrics: Metrics,
    ) -> None:
        """``states``: of all tracking hosts. ``has_files``: a host's certificate is given in the configuration.
        ``open_orders`` is called in the thread that orders.
        """
        self._config = config
        self._store = store
        self._open_orders = open_orders
        self._states = states
        self._has_files = has_files
        self._on_issued = on_issued
        self._clock = clock
        self._metrics = metrics
        # A cache of what is on disk
        self._known: dict[str, tuple[HostStatus, Validity | None]] = {}
        self._rest_until: dict[str, UnixMs] = {}
        self._is_prepared = False

    def exchange(self, config: Acme | None) -> None:
        """Go by this from the next order on."""
        self._config = config
        self._rest_until.clear()

    async def run(self) -> None:
        """Order until cancelled."""
        while True:
            try:
                await self.turn()
            except OSError as error:
                self._tell_disk(error)
                await asyncio.sleep(AFTER_TROUBLE_MS / 1000)
            except Exception as error:  # noqa: BLE001  (periodic: the next time may do)
                log_exception("internal_error", error, where="certificates")
                await asyncio.sleep(AFTER_TROUBLE_MS / 1000)
            await asyncio.sleep(LOOK_S)

    async def turn(self) -> None:
        """Order the certificate that has been due for the longest, if one is. Raises OSError."""
        config = self._config
        states = self._states()
        if config is None or not states:
            return
        self._prepare(states)
        for host in self._store.take_asked():
            if host in self._known:
                status, validity = self._known[host]
                self._known[host] = (schedule.asked_again(status), validity)
        now = self._clock()
        due = [(at, host) for host in states if (at := self._due(host, states[host])) is not None]
        if due and min(due)[0] <= now:
            await self._order(config, min(due)[1])

    # ----------------------------------------------------------------------------------------

    def _prepare(self, states: Collection[str]) -> None:
        if not self._is_prepared:
            self._store.prepare()
            self._is_prepared = True
            for gone in self._store.hosts() - set(states):
                self._store.forget_host(gone)
        for gone in self._known.keys() - set(states):
            self._store.forget_host(gone)
            del self._known[gone]
        ends = [validity.ends for _, validity in self._known.values() if validity is not None]
        self._metrics.issued_certificate_end.set(min(ends, default=0) / 1000)

    def _due(self, host: str, state: TrackingHostState) -> UnixMs | None:
        """Return when it is to be ordered; None: it wants none."""
        if state not in ("reached", "verified") or self._has_files(host):
            return None
        if host not in self._known:
            try:
                self._known[host] = (self._store.status(host), self._store.find_validity(host))
            except IssuanceError as error:
                self._tell_damage(host, error)
                return None
        status, validity = self._known[host]
        if state == "verified" and validity is None:
            return None  # by the listener's certificate, or by a proxy's in front of us
        assert self._config is not None
        return schedule.next_order(host, status, validity, self._config.directory_url)

    async def _order(self, config: Acme, host: str) -> None:
        status, validity = self._known[host]

        def order() -> tuple[HostStatus, Trouble | None]:
            orders = self._open_orders(config)
            now = self._clock()
            is_resumed = orders.resumes(host)
            begun = (schedule.cut_short if is_resumed else schedule.begun)(status, now)
            self._store.write_status(host, begun)  # CW1
            trouble = orders.issue(host)
            if trouble is None:
                after = schedule.issued(begun, config.directory_url)
            else:
                after = schedule.failed(begun, trouble, self._clock())
            self._store.write_status(host, after)
            return after, trouble

        # As if it had failed, should what follows raise
        self._known[host] = (schedule.begun(status, self._clock()), validity)
        after, trouble = await _in_daemon(order)
        validity = self._store.find_validity(host)
        self._known[host] = (after, validity)
        self._metrics.certificate_orders["issued" if trouble is None else "failed"].add()
        if trouble is not None:
            log(
                "certificate_failed",
                "warning",
                host=host,
                problem=trouble.text,
                remedy=trouble.remedy,
                again=rfc3339(after.not_before),
                ends=None if validity is None else rfc3339(validity.ends),
            )
            return
        assert validity is not None
        log("certificate_issued", host=host, ends=rfc3339(validity.ends))
        self._on_issued(host)

    def _tell_damage(self, host: str, error: IssuanceError) -> None:
        now = self._clock()
        if now >= self._rest_until.get(host, 0):
            log("certificate_failed", "error", host=host, problem=str(error))
            self._rest_until[host] = UnixMs(now + 60 * AFTER_TROUBLE_MS)

    def _tell_disk(self, error: OSError) -> None:
        problem = f"{error.filename or 'acme/'}: {error.strerror}"
        log("certificates_not_kept", "error", problem=problem)


async def _in_daemon(act: Callable[[], T]) -> T:
    """Run it by a thread that a process which ends does not wait for: whatever it leaves is gone on with."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, failure = None, None
        try:
            result = act()
        except BaseException as error:  # noqa: BLE001  (whoever waits gets it)
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name="certificates", daemon=True).start()
    return await future
