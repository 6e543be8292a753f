"""Which egress sources cannot send: they take themselves out, and come back by a probe. Pure: times are arguments."""

from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.mta.transport.outcome import Failure, Transient
from angarium.mta.transport.transfer import EgressPath
from angarium.queue.model import UnixMs

# Different sites in a row that did not answer before it is the source's fault, not theirs. Ours: a sender to dead
# domains meets as many now and then; what that costs is a minute by other sources.
SITES: Final = 5
FIRST_MS: Final = 60_000  # doubles with each probe that failed
MAX_MS: Final = 600_000


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    reason: str  # what its last connection came to
    since: UnixMs
    until: UnixMs  # then it is probed


class _State:
    __slots__ = ("is_probed", "outage", "pause_ms", "sites")

    def __init__(self) -> None:
        self.sites: set[str] = set()
        self.outage: Outage | None = None
        self.pause_ms = FIRST_MS
        self.is_probed = False


class SourceHealth:
    """Invariant SOH1: a source is out from when its address cannot be used, or ``SITES`` sites in a row did not answer,
    until a host answers it.

    Invariant SOH2: while it is out it is asked for once per pause: for a probe.
    """

    def __init__(self) -> None:
        # Of those with failures; at most all sources
        self._states: dict[EgressPath, _State] = {}

    def forget(self) -> None:
        """Somebody says that things were mended, or which sources there are has changed."""
        self._states.clear()

    def is_usable(self, path: EgressPath, now: UnixMs) -> bool:
        """Whether mail may be given to it: it is not out, or it is time for a probe."""
        state = self._states.get(path)
        if state is None or state.outage is None:
            return True
        return not 0 < state.outage.until - now <= MAX_MS  # more: the clock stepped back

    def chosen(self, path: EgressPath, now: UnixMs) -> None:
        """Mail was given to it; if it is out, that is its probe, and the only one for a pause."""
        state = self._states.get(path)
        if state is not None and state.outage is not None:
            state.is_probed = True
            until = UnixMs(now + state.pause_ms)
            state.outage = msgspec.structs.replace(state.outage, until=until)  # SOH2

    def must_give_way(self, path: EgressPath) -> bool:
        """Whether what waits for it is better sent by another source."""
        state = self._states.get(path)
        return state is not None and state.outage is not None and not state.is_probed

    def is_out(self, path: EgressPath) -> bool:
        """Whether it cannot send, as far as is known: also while it is probed."""
        state = self._states.get(path)
        return state is not None and state.outage is not None

    def answered(self, path: EgressPath) -> None:
        """A host answered it, whatever it said."""
        if self._states:
            self._states.pop(path, None)  # SOH1

    def failed(self, path: EgressPath, site: str, failure: Failure) -> None:
        """No host of a site took its connection."""
        made = failure.attempt
        is_ours = isinstance(failure, Transient) and failure.source_failed
        if not is_ours and (made.code or made.stage != "connect"):
            self.answered(path)
            return
        if made.enhanced == "4.4.4":
            return  # there was no address that it could have asked
        state = self._states.setdefault(path, _State())
        state.sites.add(site)
        if state.outage is None and not is_ours and len(state.sites) < SITES:
            return
        since = made.at if state.outage is None else state.outage.since
        if state.is_probed:
            state.pause_ms = min(state.pause_ms * 2, MAX_MS)
        elif state.outage is not None:
            return  # a connection that was under way when it went out
        state.is_probed = False
        # SOH1
        state.outage = Outage(
            source=path.source,
            reason=made.text,
            since=since,
            until=UnixMs(made.at + state.pause_ms),
        )
        state.sites.clear()

    def outages(self) -> Sequence[Outage]:
        return [each.outage for each in self._states.values() if each.outage is not None]


def outage_text(outage: Outage, now: UnixMs) -> str:
    """For people."""
    left_s = max(0, outage.until - now) // 1000
    return f"source {outage.source} is out: {outage.reason}; it is tried again in {left_s} s"
