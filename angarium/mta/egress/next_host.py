"""Mail that one host of a site refused for now, on its way to the site's others (RFC 5321 section 5.1). Pure."""

from collections import deque
from collections.abc import Sequence

import msgspec

from angarium.mta.egress.work import Prepared
from angarium.mta.transport.outcome import Outcome, Permanent, Scope, Transient
from angarium.queue.model import UnixMs
from angarium.routing.resolution import MxHost, Site

NEXT_HOSTS = 5  # asked in one attempt; ours, so that a message that nobody takes costs no more
DEAD_END_MS = 60_000  # others that took no connection are left alone for so long, as by HostSearch
# RFC 3463: what every host of a site would say: the mailbox's state (X.2), or its policy and our name (X.7)
_SAME_EVERYWHERE = ("4.2", "4.7")
_SILENT_AT = frozenset({"rset", "mail", "rcpt", "data"})  # stages before the end of the message


class Referred(msgspec.Struct, frozen=True):
    """For a host that is not in ``prepared.work.met``; ``outcomes`` hold if none can be asked."""

    prepared: Prepared
    outcomes: tuple[Outcome, ...]  # one per recipient


def met_at(site: Site, host: MxHost, address: str) -> str:
    """What to remember of a host that refused: its name; of an only host, as smart hosts are, the address."""
    return host.name if len(site.hosts) > 1 else address


def is_for_next_host(outcome: Outcome) -> bool:
    """Whether another host of the site may take what this one did not.

    Not where it would only be told the same: greylisting, a mailbox's state, our rate or reputation.
    """
    match outcome:
        case Transient(attempt=attempt, scope=scope, greylisted=greylisted):
            return is_silence(outcome) or (
                400 <= attempt.code < 500
                and scope is not Scope.SITE
                and not greylisted
                and attempt.enhanced[:3] not in _SAME_EVERYWHERE
            )
        case Permanent(scope=scope):
            return scope is Scope.SESSION  # it lacks an extension that the message needs
        case _:
            return False


def is_silence(outcome: Transient) -> bool:
    """Whether the host did not answer in time, before it had the message."""
    attempt = outcome.attempt
    return not attempt.code and attempt.enhanced == "4.4.1" and attempt.stage in _SILENT_AT


class NextHosts:
    """What waits for other hosts of one site, bounded by the octets of claimed mail; and which cannot be had now."""

    def __init__(self) -> None:
        self._waiting: deque[Referred] = deque()
        self._dead_ends: dict[
            frozenset[str], UnixMs
        ] = {}  # hosts met, when no other answered: until

    def __len__(self) -> int:
        return len(self._waiting)

    def has_others(self, site: Site, met: frozenset[str], now: UnixMs) -> bool:
        """Whether there is a host besides those met that may answer, and not too many were asked."""
        if len(met) >= NEXT_HOSTS or not any(_is_left(host, met) for host in site.hosts):
            return False
        return not any(
            dead <= met and now < until <= now + DEAD_END_MS
            for dead, until in self._dead_ends.items()
        )

    def add(self, referred: Referred) -> None:
        self._waiting.append(referred)

    def put_first(self, referred: Referred) -> None:
        self._waiting.appendleft(referred)

    def next(self) -> Referred:
        return self._waiting.popleft()

    def find_for(self, host: MxHost, address: str) -> Referred | None:
        """Take the oldest that has not met this host."""
        for index, each in enumerate(self._waiting):
            if each.prepared.work.met.isdisjoint((host.name, address)):
                del self._waiting[index]
                return each
        return None

    def no_others(self, met: frozenset[str], now: UnixMs) -> Sequence[Referred]:
        """No host besides those met took a connection; returns all that now have nowhere to go."""
        self._dead_ends = {dead: until for dead, until in self._dead_ends.items() if until > now}
        self._dead_ends[met] = UnixMs(now + DEAD_END_MS)
        stuck = [each for each in self._waiting if met <= each.prepared.work.met]
        self._waiting = deque(each for each in self._waiting if not met <= each.prepared.work.met)
        return stuck

    def drain(self) -> Sequence[Referred]:
        taken = tuple(self._waiting)
        self._waiting.clear()
        return taken


def _is_left(host: MxHost, met: frozenset[str]) -> bool:
    return host.name not in met and any(each not in met for each in host.addresses)
