"""Mail that one host of a site refused for now, on its way to the site's others (RFC 5321 section 5.1). Pure."""

from collections import deque
from collections.abc import Sequence

from angarium.mta.egress.work import Referred
from angarium.mta.transport.outcome import Outcome, Permanent, Scope, Transient
from angarium.queue.model import UnixMs
from angarium.routing.resolution import MxHost, Site

# Asked in one attempt; ours, so that a message that nobody takes costs no more.
NEXT_HOSTS = 5
# Others that took no connection are left alone for so long, as by HostSearch.
DEAD_END_MS = 60_000
# RFC 3463: what every host of a site would say: the mailbox's state (X.2), or its policy and our name (X.7)
_SAME_EVERYWHERE = ("4.2", "4.7")
# Stages before the end of the message
_SILENT_AT = frozenset({"rset", "mail", "rcpt", "data"})


def refuser(site: Site, host: MxHost, address: str) -> str:
    """What to remember of a host that refused: its name; of an only host, as smart hosts are, the address."""
    return host.name if len(site.hosts) > 1 else address


def is_for_next_host(outcome: Outcome) -> bool:
    """Whether another host of the site may take what this one did not.

    Not where it would only be told the same: greylisting, a mailbox's state, our rate or reputation. Nor after a
    defect of ours, which would meet the next one as well.
    """
    match outcome:
        case Transient(attempt=attempt, scope=scope, greylisted=greylisted):
            return is_silence(outcome) or (
                400 <= attempt.code < 500
                and scope is not Scope.SITE
                and not greylisted
                and attempt.stage != "internal"
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
        # Hosts that refused, when no other answered: until
        self._dead_ends: dict[frozenset[str], UnixMs] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def has_others(self, site: Site, refused_by: frozenset[str], now: UnixMs) -> bool:
        """Whether there is a host besides those that refused that may answer, and not too many were asked."""
        if len(refused_by) >= NEXT_HOSTS:
            return False
        if not any(_is_left(host, refused_by) for host in site.hosts):
            return False
        return not any(
            dead <= refused_by and now < until <= now + DEAD_END_MS
            for dead, until in self._dead_ends.items()
        )

    def add(self, referred: Referred) -> None:
        self._waiting.append(referred)

    @property
    def first(self) -> Referred:
        """The one that ``next`` takes; there must be one."""
        return self._waiting[0]

    def next(self) -> Referred:
        return self._waiting.popleft()

    def find_for(self, host: MxHost, address: str) -> Referred | None:
        """Take the oldest that this host has not refused."""
        for index, each in enumerate(self._waiting):
            if each.parcel.work.refused_by.isdisjoint((host.name, address)):
                del self._waiting[index]
                return each
        return None

    def no_others(self, refused_by: frozenset[str], now: UnixMs) -> Sequence[Referred]:
        """No host besides these took a connection; returns all that now have nowhere to go."""
        self._dead_ends = {dead: until for dead, until in self._dead_ends.items() if until > now}
        self._dead_ends[refused_by] = UnixMs(now + DEAD_END_MS)
        stuck = [each for each in self._waiting if refused_by <= each.parcel.work.refused_by]
        self._waiting = deque(
            each for each in self._waiting if not refused_by <= each.parcel.work.refused_by
        )
        return stuck

    def forget_failures(self) -> None:
        self._dead_ends.clear()

    def drain(self) -> Sequence[Referred]:
        taken = tuple(self._waiting)
        self._waiting.clear()
        return taken


def _is_left(host: MxHost, refused_by: frozenset[str]) -> bool:
    return host.name not in refused_by and any(each not in refused_by for each in host.addresses)
