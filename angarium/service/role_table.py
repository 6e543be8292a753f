"""The roles of a server, once: what each runs, how many there are, what it reads of the configuration, how they end.

A new role is one entry of ``ROLES`` and its run function. Processes (``supervisor``) and tasks of one loop (``single``)
are two drivers of the table, and ``server_life`` is what both share. Knows nothing of either.
"""

import importlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, Literal

import msgspec

from angarium.config.schema import Config
from angarium.service.life.slot import Slot
from angarium.service.runtime import Runtime

Run = Callable[[Runtime], Awaitable[None]]
Reading = Literal["at_start", "live", "never"]

# Read by the supervisor, or by all roles before they begin: only a restart of the whole server changes them.
READ_ONCE: Final = ("server", "queue", "feedback", "tracking", "tenancy", "history")


class Reads(msgspec.Struct, frozen=True, kw_only=True):
    """What a role does with each ``table`` of the configuration, or ``table.key``, which wins over its table.

    ``at_start``: a change needs a new process. ``live``: it is exchanged in place. ``never``: it is not looked at.
    """

    at_start: tuple[str, ...] = ()
    live: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    def find(self, key: str) -> Reading | None:
        """Return what becomes of a ``table`` or a ``table.key``; None: nobody has said."""
        table = key.partition(".")[0]
        for name in (key, table):
            if name in self.at_start:
                return "at_start"
            if name in self.live:
                return "live"
            if name in self.never:
                return "never"
        return None


class RoleSpec(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    run: str  # "module:function", a Run; imported by whoever runs it, before privileges are dropped
    count: Callable[[Config], int]  # processes; in one process each role runs once
    reads: Reads
    listens: bool = False  # it gets the listeners' sockets and the table of their clients
    drains_after: tuple[str, ...] = ()  # it is told to stop when all of these have ended


class RoleTable:
    """In the order in which they are started: clients wait for the first. Nobody waits for another one's start.

    Invariant RL1: a role is told to stop only when all that it drains after have ended.
    """

    def __init__(self, roles: Sequence[RoleSpec]) -> None:
        """Raises ValueError for a table that contradicts itself."""
        self._roles = {each.name: each for each in roles}
        if len(self._roles) != len(roles):
            raise ValueError("two roles have one name")
        self.drain_stages: Final = self._stages()

    def __iter__(self) -> Iterator[RoleSpec]:
        return iter(self._roles.values())

    def find(self, name: str) -> RoleSpec:
        """Raises KeyError."""
        return self._roles[name]

    def slots(self, config: Config) -> list[Slot]:
        """Return the places of a server of several processes, in the order of their start."""
        return [
            Slot(each.name, index)
            for each in self._roles.values()
            for index in range(each.count(config))
        ]

    def single_slots(self, config: Config) -> list[Slot]:
        """Return the places of a server that is one process."""
        return [Slot(each.name, 0) for each in self._roles.values() if each.count(config)]

    def _stages(self) -> tuple[frozenset[str], ...]:
        stages: list[frozenset[str]] = []
        ended: set[str] = set()
        while ended != self._roles.keys():
            stage = frozenset(
                each.name
                for each in self._roles.values()
                if each.name not in ended and ended.issuperset(each.drains_after)
            )
            if not stage:
                raise ValueError("roles drain after each other, or after one that is not there")
            stages.append(stage)
            ended |= stage
        return tuple(stages)


def import_run(path: str) -> Run:
    """Import ``module:function``."""
    module, _, function = path.partition(":")
    run: Run = getattr(importlib.import_module(module), function)
    return run


ROLES: Final = RoleTable(
    (
        RoleSpec(
            name="ingress",
            run="angarium.service.ingress.role:run_ingress",
            count=lambda config: config.server.ingress_processes,
            listens=True,
            # It takes mail in for as long as there is somebody to wait for.
            drains_after=("delivery", "campaigns"),
            reads=Reads(
                at_start=(
                    "listener",
                    "api",
                    "templates",
                    "check",
                    "analytics.counts",
                    "lake.enabled",
                    "lake.dir",
                    "tracing",
                ),
                live=(
                    *("route", "provider", "stream", "delivery.port", "delivery.expire_s"),
                    "ses",
                    "log.level",
                    *("dkim.keys", "dkim.required", "webhook", "uploads", "lake"),
                    "tracking_certificate",
                    # Of whose addresses reports tell
                    *("source", "receiver_reports"),
                ),
                never=(
                    *("pool", "warmup", "delivery", "dns", "dkim", "log.mail_log"),
                    *("rules", "rule", "postmasters", "breaker", "blocklists", "smart_host"),
                    *("campaigns", "acme", "analytics", "retention", "alarms", "alarm", "summary"),
                ),
            ),
        ),
        RoleSpec(
            name="delivery",
            run="angarium.service.delivery.role:run_delivery",
            count=lambda config: config.server.delivery_processes,
            reads=Reads(
                live=(
                    *("route", "provider", "source", "pool", "stream", "delivery", "dns", "dkim"),
                    *("warmup", "smart_host", "ses"),
                    "listener",  # where mail must not be sent to
                    *("log.level", "rules", "rule"),
                ),
                never=(
                    *("log.mail_log", "postmasters", "breaker", "blocklists", "api", "webhook"),
                    *("uploads", "templates", "check", "campaigns"),
                    *("tracking_certificate", "acme", "analytics", "retention", "lake"),
                    *("receiver_reports", "tracing"),
                    *("alarms", "alarm", "summary"),
                ),
            ),
        ),
        RoleSpec(
            name="feedback",
            run="angarium.service.feedback.role:run_feedback",
            count=lambda config: int(config.takes_reports),
            reads=Reads(
                # Of the last four, what senders are told
                live=(
                    "log.level",
                    "route",
                    "provider",
                    "delivery.expire_s",
                    "delivery.dsn_per_hour",
                ),
                never=(
                    *("listener", "source", "pool", "stream", "warmup"),
                    *("delivery", "dns", "dkim", "rules", "rule", "log.mail_log", "postmasters"),
                    *("breaker", "blocklists", "smart_host", "ses", "api", "webhook", "uploads"),
                    *(
                        "templates",
                        "check",
                        "campaigns",
                        "tracking_certificate",
                        "acme",
                        "analytics",
                        "retention",
                        "lake",
                        "receiver_reports",
                        "alarms",
                        "alarm",
                        "summary",
                        "tracing",
                    ),
                ),
            ),
        ),
        RoleSpec(
            name="campaigns",
            run="angarium.service.campaigns.role:run_campaigns",
            count=lambda config: int(config.serves_api),
            reads=Reads(
                at_start=("api", "templates", "check"),
                live=(
                    *("route", "provider", "stream", "delivery.port", "delivery.expire_s"),
                    *("log.level", "dkim.keys", "dkim.required", "campaigns"),
                    *("dns", "webhook", "uploads"),  # of files that are fetched
                ),
                never=(
                    *("listener", "source", "pool", "warmup", "delivery", "dkim"),
                    *("log.mail_log", "rules", "rule", "postmasters", "breaker", "blocklists"),
                    *("smart_host", "ses", "tracking_certificate", "acme", "analytics"),
                    *("retention", "lake", "receiver_reports", "alarms", "alarm", "summary"),
                    "tracing",
                ),
            ),
        ),
        RoleSpec(
            name="platform",
            run="angarium.service.platform.role:run_platform",
            count=lambda config: 1,
            # It writes what the others did, so it ends last.
            drains_after=("ingress", "delivery", "feedback", "campaigns"),
            reads=Reads(
                at_start=(
                    "log.mail_log",
                    "analytics.counts",
                    "lake.enabled",
                    "lake.dir",
                    "tracing",
                ),
                live=(
                    *(
                        "log.level",
                        "breaker",
                        "blocklists",
                        "webhook",
                        "uploads",
                        "analytics",
                        "lake",
                    ),
                    # Of what blocklists are asked, what is expected of domains, and how
                    *("source", "pool", "route", "dns", "dkim"),
                    *("tracking_certificate", "acme", "retention", "receiver_reports"),
                    *("alarms", "alarm", "summary"),
                    "warmup",  # which of its holds are alarms
                ),
                never=(
                    *("listener", "stream", "provider", "delivery"),
                    *("rules", "rule", "postmasters", "smart_host", "ses", "api", "templates"),
                    *("check", "campaigns"),
                ),
            ),
        ),
    )
)
