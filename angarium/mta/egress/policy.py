"""What is asked before mail goes out, and told after it: the seam of shaping, warm-up and health. Pure.

Start with ``EgressPolicy``; ``shaping.ShapingPolicy`` is the one in use. A policy knows nothing of connections, tasks
or the queue: ``admission`` asks it, ``waits`` serves its waits.
"""

from collections.abc import Sequence
from typing import Final, Literal, Protocol, get_args

import msgspec

from angarium.config.schema import Provider
from angarium.mta.egress.work import Group, Work
from angarium.mta.transport.outcome import Failure, Outcome
from angarium.mta.transport.transfer import EgressPath
from angarium.queue.model import DueHead, UnixMs
from angarium.routing.resolution import Site


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy sees of a transaction before it is claimed: whose mail, to whom, how much."""

    tenant: str
    stream: str
    priority: int
    campaign: str  # ""
    provider: str
    configured: Provider  # its limits as they are written
    site: str
    domain: str  # of the first recipient
    sender_domain: str  # of the reverse path, lower-case; "": it is null
    recipients: int
    octets: int  # of the content
    via: str = "mx"  # or the smart host that the site is
    in_doubt: bool = False  # it may have been delivered: it keeps to its source and its route
    is_enquiry: bool = False  # nobody will keep to the time that is said: none is to be reserved


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Of one source at one provider, now."""

    connections: int  # open at once
    transfers: int  # over one connection
    recipients: int  # of one transaction
    # Streams whose recipients get a transaction each, so that what comes back names one person
    one_by_one: frozenset[str] = frozenset()


class Go(msgspec.Struct, frozen=True):
    """It may go, now. Each Go stands for one transaction, and is not asked for again."""


# What keeps mail waiting, for who counts it; "other": nothing of our own that has a limit
Gate = Literal[
    "message_rate",
    "tenant_message_rate",
    "connection_rate",
    "tenant_connections",
    "rule",
    "warm_up",
    "smart_host",
    "ses",
    "source",
    "other",
]
GATES: Final[tuple[Gate, ...]] = get_args(Gate)


class Wait(msgspec.Struct, frozen=True):
    """Neither it nor what is behind it of the same tenant, stream, campaign and sender's domain may go yet.

    No attempt is made.
    """

    until: UnixMs  # it is asked for again then, and at the latest after ``ready.MAX_WAIT_MS``
    reason: str  # for people, as ``explain`` prints it: "the warm-up of ip1 allows 200 a day"
    gate: Gate = "other"


class Elsewhere(msgspec.Struct, frozen=True):
    """By another path; whether it may go there now is asked of that one."""

    path: EgressPath
    reason: str = ""  # for people, as that of a Wait


class Reroute(msgspec.Struct, frozen=True, kw_only=True):
    """By another way from now on. Never said of mail that is in doubt."""

    via: str  # as recipients keep it: ``queue.destination``; "default": the usual way again
    reason: str  # for people, as that of a Wait
    not_before: UnixMs = UnixMs(0)  # it is due again then


Admission = Go | Wait | Elsewhere | Reroute
GO: Final = Go()


class EgressPolicy(Protocol):
    """Called on the event loop for every message: must not block, and has microseconds."""

    def choose(self, head: DueHead, site: Site, now: UnixMs) -> EgressPath:
        """Return the path of a recipient that has just been loaded, and of those that may share its transaction.

        One in doubt keeps to the source that it was tried by, if there is such a source still; and one that was
        greylisted to that of its last attempt, if that is in its pool still, and is not out.
        """
        ...

    def find_apart(self, head: DueHead, site: Site) -> str:
        """Return what of its tenant's stream a rule has stopped or slowed, if it is of that; else ""."""
        ...

    def limits(self, path: EgressPath, provider: Provider) -> Limits: ...

    def admit(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Admission:
        """Say whether a transaction may begin; once for each, before its recipients are claimed.

        One that got Go begins as soon as a connection stands, or not at all.
        """
        ...

    def goes_again(self, path: EgressPath, site: Site, work: Work, now: UnixMs) -> None:
        """Hear that recipients whose transaction is over will be in another one, for which nobody is asked."""
        ...

    def may_begin(self, work: Work, site: Site) -> bool:
        """Whether the transaction of claimed mail may begin at this moment; another may meanwhile."""
        ...

    def stops(self, work: Work, path: EgressPath, site: Site, now: UnixMs) -> bool:
        """Whether claimed mail is not to begin at all now, for what came into force since it got its Go."""
        ...

    def begins(self, work: Work, site: Site) -> None:
        """Hear that it does. ``ends`` is called once for each, however it ended."""
        ...

    def ends(self, work: Work, site: Site) -> None: ...

    def find_connection_wait(self, path: EgressPath, site: Site, now: UnixMs) -> Wait | None:
        """Return why and until when no connection may be opened; None: one may. Counts nothing."""
        ...

    def connecting(self, path: EgressPath, site: Site, now: UnixMs) -> None:
        """Count a connection that is opened now."""
        ...

    def told(
        self,
        path: EgressPath,
        site: Site,
        work: Work,
        outcomes: Sequence[Outcome],
        now: UnixMs,
    ) -> None:
        """Hear what a transaction came to: one outcome per recipient, in order."""
        ...

    def understood(
        self, site: Site, work: Work, outcomes: Sequence[Outcome], now: UnixMs
    ) -> Sequence[Outcome]:
        """Return what these outcomes, which it was told, mean for their recipients, in order."""
        ...

    def is_resting(self, site: Site, now: UnixMs) -> bool:
        """Whether the site is a smart host that is left alone, so that mail for it may go another way."""
        ...

    def refused(self, path: EgressPath, site: Site, failure: Failure, now: UnixMs) -> None:
        """Hear that no host of the site took a connection."""
        ...


def domain_of(reverse_path: str) -> str:
    """Return the domain, lower-case; "" of the null one."""
    return reverse_path.rpartition("@")[2].lower()


def traffic_of(group: Group, site: Site) -> Traffic:
    head = group.heads[0]
    return Traffic(
        tenant=head.tenant,
        stream=head.stream,
        priority=head.priority,
        campaign=head.campaign,
        provider=site.provider.name,
        configured=site.provider,
        site=site.name,
        domain=head.domain,
        sender_domain=head.sender_domain,
        recipients=len(group.heads),
        octets=head.octets,
        via=site.via,
        in_doubt=head.in_doubt,
    )


def traffic_of_work(work: Work, site: Site) -> Traffic:
    """Return the same of mail that is claimed; its priority does not matter any more."""
    message = work.message
    return Traffic(
        tenant=message.tenant,
        stream=message.stream,
        priority=0,
        campaign=message.campaign,
        provider=site.provider.name,
        configured=site.provider,
        site=site.name,
        domain=work.recipients[0].domain,
        sender_domain=domain_of(message.envelope.reverse_path),
        recipients=len(work.recipients),
        octets=work.octets,
        via=site.via,
    )
