"""How many transactions of a tenant are under way at a provider: ``tenant_connections``. Pure.

A gate of ``shaping``, which lets no more begin to wait for a connection than may soon have one; and, since a Go and its
MAIL are apart, the ceiling itself: who takes work for a connection asks ``may_begin``.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from angarium.config.schema import Provider
from angarium.mta.egress.policy import Limits, Traffic, Wait
from angarium.mta.egress.work import Work
from angarium.mta.transport.outcome import Outcome
from angarium.mta.transport.transfer import EgressPath
from angarium.queue.model import UnixMs
from angarium.routing.resolution import Site

# Ours: a transaction takes longer, and who waits costs little
ASK_AGAIN_MS: Final = 25
# What got its Go and did not begin by then may never: its site took no connection
GONE_MS: Final = 10_000

Key = tuple[str, str]  # tenant and provider


class TenantTransfers:
    """Invariant TN1: of one tenant at one provider no more begin than ``tenant_connections``, over all sources.

    Bounded by what is under way, and by what got its Go of late.
    """

    def __init__(self) -> None:
        self._under_way: dict[Key, int] = {}
        self._ahead: dict[Key, deque[UnixMs]] = {}  # when each got its Go that has not begun

    # --- where connections take work

    def may_begin(self, work: Work, site: Site) -> bool:
        limit = site.provider.tenant_connections
        return limit is None or self._under_way.get(_key(work, site), 0) < limit  # TN1

    def begin(self, work: Work, site: Site) -> None:
        key = _key(work, site)
        self._count(key, +1)
        if ahead := self._ahead.get(key):
            ahead.popleft()
            if not ahead:
                del self._ahead[key]

    def end(self, work: Work, site: Site) -> None:
        self._count(_key(work, site), -1)

    def _count(self, key: Key, change: int) -> None:
        left = self._under_way.get(key, 0) + change
        if left:
            self._under_way[key] = left
        else:
            del self._under_way[key]

    # --- as a gate

    def find_wait(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Wait | None:
        limit = traffic.configured.tenant_connections
        if limit is None:
            return None
        key = (traffic.tenant, traffic.provider)
        # Twice as many: the next ones are ready when those under way have ended
        if self._under_way.get(key, 0) + self._count_ahead(key, now) < 2 * limit:
            return None
        reason = f"the tenant_connections of {traffic.provider} are {limit}"
        return Wait(UnixMs(now + ASK_AGAIN_MS), reason, "tenant_connections")

    def take(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> None:
        if traffic.configured.tenant_connections is not None:
            self._ahead.setdefault((traffic.tenant, traffic.provider), deque()).append(now)

    def limits(self, path: EgressPath, provider: Provider, limits: Limits) -> Limits:
        return limits

    def told(
        self, path: EgressPath, site: Site, work: Work, outcomes: Sequence[Outcome], now: UnixMs
    ) -> None:
        return None

    def _count_ahead(self, key: Key, now: UnixMs) -> int:
        ahead = self._ahead.get(key)
        if ahead is None:
            return 0
        while ahead and not 0 <= now - ahead[0] < GONE_MS:
            ahead.popleft()
        if not ahead:
            del self._ahead[key]
        return len(ahead)


def _key(work: Work, site: Site) -> Key:
    return (work.message.tenant, site.provider.name)
