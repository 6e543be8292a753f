"""When a tenant, or one of its campaigns, is stopped: too many dead addresses, or too many complaints. Pure.

Start with ``Breaker``. It decides; ``service.platform.sender_breaker`` has it done. Knows nothing of the queue.
"""

import enum
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec

from angarium.config.schema import Breaker as Limits
from angarium.queue.model import UnixMs

HOUR_MS: Final = 3_600_000
# Ours: providers that are remembered of one party; of more the first is forgotten
COMPLAINING: Final = 100
# Ours: senders that are judged; the one that was quiet longest is forgotten, unless it is paused
PARTIES: Final = 5000


class Party(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Who may be stopped. On disk as it stands: fields are only ever appended."""

    tenant: str
    campaign: str = ""  # "": all of the tenant's mail

    @property
    def text(self) -> str:
        return f"campaign {self.campaign} of {self.tenant}" if self.campaign else self.tenant


class Counts(msgspec.Struct, kw_only=True, array_like=True):
    """Of recipients. On disk as it stands: fields are only ever appended."""

    sent: int = 0  # taken or given up
    delivered: int = 0
    dead: int = 0  # of an address that is to be suppressed
    complained: int = 0

    def add(self, more: "Counts") -> None:
        self.sent += more.sent
        self.delivered += more.delivered
        self.dead += more.dead
        self.complained += more.complained

    def take_out(self, part: "Counts") -> None:
        """Never below nothing: of the part some may not be here."""
        self.sent = max(0, self.sent - part.sent)
        self.delivered = max(0, self.delivered - part.delivered)
        self.dead = max(0, self.dead - part.dead)
        self.complained = max(0, self.complained - part.complained)


class Pause(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """On disk as it stands: fields are only ever appended."""

    rule: int  # the hold rule that it is
    since: UnixMs
    until: UnixMs | None
    why: str


class Evidence(msgspec.Struct, kw_only=True, array_like=True):
    """What a party is judged by. On disk as it stands: fields are only ever appended."""

    party: Party
    fresh_since: UnixMs = UnixMs(0)  # of mail that was sent before nothing counts
    hours: dict[int, Counts] = {}  # by their numbers since the epoch
    is_warned: bool = False
    pause: Pause | None = None
    # Providers whose recipients complained since it was last slowed down there, and in which hour
    complaining: dict[str, int] = {}


class Standing(enum.IntEnum):
    WELL = 0
    WARNED = 1
    STOPPED = 2


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    party: Party
    standing: Standing
    why: str  # "" when all is well
    is_new: bool = True  # it stood better before
    # Of one warned of complaints: providers where recipients complained of it since that was last said
    complaining: tuple[str, ...] = ()


class Breaker:
    """Invariant BRK1: at most PARTIES are judged, and those that are paused.

    Invariant BRK2: what somebody was stopped for is not held against them again once they go on, nor what comes back
    later about mail of before.
    Invariant BRK3: a campaign that is stopped does not have its tenant stopped by the same mail, nor one that is slowed
    down its tenant by the same complaints.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._evidence: OrderedDict[Party, Evidence] = OrderedDict()
        # To be judged, campaigns first: BRK3
        self._touched: tuple[dict[Party, None], dict[Party, None]] = ({}, {})
        self._changed: dict[Party, None] = {}

    def restore(self, kept: Iterable[Evidence]) -> None:
        """Know what was kept, and nothing else; the one that was quiet longest first. All are judged again."""
        self._evidence = OrderedDict((each.party, each) for each in kept)
        self._changed.clear()
        self._touched = ({}, {})
        for party in self._evidence:
            self.judge_again(party)

    def count(
        self,
        tenant: str,
        campaign: str,
        counts: Counts,
        *,
        at: UnixMs,
        sent_at: UnixMs,
        provider: str = "",
    ) -> None:
        """Take what became of mail of the tenant. ``at``: when that was known; ``sent_at``: when it had gone out;
        ``provider``: where, if that is known.
        """
        if campaign:
            own = self._of(Party(tenant=tenant, campaign=campaign))
            if sent_at < own.fresh_since:
                return  # BRK2
            self._add(own, counts, at, provider)
            if own.pause is not None:
                return  # BRK3
        whole = self._of(Party(tenant=tenant))
        if sent_at >= whole.fresh_since:
            self._add(whole, counts, at, provider)

    def next_ruling(self, now: UnixMs) -> Ruling | None:
        """Return what is to be told or done of one of those of whom something was heard since; None: of nobody.

        Who is paused is not judged. Whoever stops one says ``paused``, before asking for the next.
        """
        for touched in self._touched:
            while touched:
                party = next(iter(touched))
                del touched[party]
                if (ruling := self._judge(party, now)) is not None:
                    return ruling
        return None

    def judge_again(self, party: Party) -> None:
        """Have it judged with the next ones: what was decided of it could not be done."""
        self._touched[0 if party.campaign else 1][party] = None

    def paused(self, party: Party, pause: Pause) -> None:
        evidence = self._of(party)
        evidence.pause = pause
        self._changed[party] = None
        if party.campaign:  # BRK3
            whole = self._of(Party(tenant=party.tenant))
            for hour, counts in evidence.hours.items():
                if (mixed := whole.hours.get(hour)) is not None:
                    mixed.take_out(counts)
            self._changed[whole.party] = None

    def find_paused(self, rule: int) -> Party | None:
        """Return whom a hold rule stops, if it is one of ours."""
        for party, evidence in self._evidence.items():
            if evidence.pause is not None and evidence.pause.rule == rule:
                return party
        return None

    def resumed(self, party: Party, now: UnixMs) -> None:
        """It goes on, with nothing against it."""
        evidence = self._of(party)
        evidence.pause = None
        evidence.is_warned = False
        evidence.hours = {}
        evidence.complaining = {}
        evidence.fresh_since = now  # BRK2
        self._changed[party] = None

    def pauses(self) -> dict[Party, Pause]:
        return {
            party: evidence.pause
            for party, evidence in self._evidence.items()
            if evidence.pause is not None
        }

    def ruling_of(self, party: Party, now: UnixMs) -> Ruling | None:
        """Return how it stands now; None: nothing is known of it."""
        evidence = self._evidence.get(party)
        if evidence is None:
            return None
        standing, why, _ = self._standing(evidence, now)
        return Ruling(party=party, standing=standing, why=why)

    def changed(self) -> dict[Party, Evidence | None]:
        """Return what differs from the disk; None: it is forgotten."""
        return {each: self._evidence.get(each) for each in self._changed}

    def written(self, parties: dict[Party, Evidence | None]) -> None:
        """They are on disk as they were then: nothing has changed since."""
        for each in parties:
            self._changed.pop(each, None)

    # ----------------------------------------------------------------------------------------

    def _of(self, party: Party) -> Evidence:
        evidence = self._evidence.get(party)
        if evidence is None:
            evidence = self._evidence[party] = Evidence(party=party)
        self._evidence.move_to_end(party)
        if len(self._evidence) > PARTIES:
            quiet = next(
                (each for each, kept in self._evidence.items() if kept.pause is None), party
            )
            if quiet != party:
                del self._evidence[quiet]  # BRK1
                self._changed[quiet] = None
        return evidence

    def _add(self, evidence: Evidence, counts: Counts, at: UnixMs, provider: str) -> None:
        hour = at // HOUR_MS
        kept = self._hours_kept
        if hour not in evidence.hours:
            for old in [each for each in evidence.hours if each <= hour - kept]:
                del evidence.hours[old]
            evidence.hours[hour] = Counts()
        evidence.hours[hour].add(counts)
        if counts.complained and provider:
            evidence.complaining.pop(provider, None)
            evidence.complaining[provider] = hour
            if len(evidence.complaining) > COMPLAINING:
                del evidence.complaining[next(iter(evidence.complaining))]
        self._changed[evidence.party] = None
        self.judge_again(evidence.party)

    @property
    def _hours_kept(self) -> int:
        return max(1, -(-int(self.limits.window_s * 1000) // HOUR_MS))

    def _judge(self, party: Party, now: UnixMs) -> Ruling | None:
        """Return what is to be told or done; None: nothing new."""
        evidence = self._evidence.get(party)
        if evidence is None or evidence.pause is not None:
            return None
        standing, why, is_of_complaints = self._standing(evidence, now)
        was_warned, is_warned = evidence.is_warned, standing is not Standing.WELL
        if was_warned != is_warned:
            evidence.is_warned = is_warned
            self._changed[party] = None
        complaining: tuple[str, ...] = ()
        if standing is Standing.WARNED and is_of_complaints:
            complaining = self._take_complaining(evidence, now)
        if standing is Standing.STOPPED or (is_warned and not was_warned) or complaining:
            return Ruling(
                party=party,
                standing=standing,
                why=why,
                is_new=not was_warned,
                complaining=complaining,
            )
        return None

    def _take_complaining(self, evidence: Evidence, now: UnixMs) -> tuple[str, ...]:
        """Return the providers whose recipients complained within the window, once per complaint."""
        if not evidence.complaining:
            return ()
        first = now // HOUR_MS - self._hours_kept
        found = tuple(each for each, hour in evidence.complaining.items() if hour > first)
        evidence.complaining = {}
        self._changed[evidence.party] = None
        whole = self._evidence.get(Party(tenant=evidence.party.tenant))
        if whole is not None:
            for each in found:
                whole.complaining.pop(each, None)  # BRK3
            self._changed[whole.party] = None
        return found

    def _standing(self, evidence: Evidence, now: UnixMs) -> tuple[Standing, str, bool]:
        """Return how it stands, why, and whether that is for complaints."""
        limits, total = self.limits, Counts()
        if evidence.party.tenant in limits.exempt_tenants:
            return Standing.WELL, "", False
        last = now // HOUR_MS
        for hour, counts in evidence.hours.items():
            if last - self._hours_kept < hour <= last:
                total.add(counts)
        complaints = _share(
            met=total.complained,
            among=max(total.delivered, total.complained),
            least=total.complained >= limits.complaints_at_least,
            warn=limits.complaints_warn_percent,
            stop=limits.complaints_percent,
            what="complained",
        )
        dead = _share(
            met=total.dead,
            among=max(total.sent, total.dead),
            least=total.sent >= limits.bounces_at_least,
            warn=limits.bounces_warn_percent,
            stop=limits.bounces_percent,
            what="do not exist",
        )
        standing, why = max(complaints, dead, key=lambda each: each[0])
        return standing, why, complaints[0] is standing


def _share(
    *, met: int, among: int, least: bool, warn: float, stop: float, what: str
) -> tuple[Standing, str]:
    percent = 100 * met / among if among else 0.0
    if not least or percent < min(warn, stop):
        return Standing.WELL, ""
    standing = Standing.STOPPED if percent >= stop else Standing.WARNED
    limit = stop if standing is Standing.STOPPED else warn
    return (
        standing,
        f"{met} of {among} recipients {what} ({percent:.2f} %, the limit is {limit:g} %)",
    )
