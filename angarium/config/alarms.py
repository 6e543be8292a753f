"""The tables ``[alarms]``, with ``[[alarms.notify]]``, and ``[[alarm]]``. Frozen values; only types are checked."""

from typing import Final, Literal

from angarium.config.shape import Count, Name, Seconds, SecondsOrNone, Table

Severity = Literal["warning", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = ("warning", "critical")  # rising
AlarmUnit = Literal["percent", "seconds", "count"]
NotifyKind = Literal["mail", "webhook", "slack", "pagerduty"]


class Notify(Table, frozen=True, kw_only=True):
    name: Name  # as commands, logs and the alarm `notices_failing` call it
    kind: NotifyKind
    severity: Severity = "warning"  # told of alarms as severe as this, and more
    only: tuple[Name, ...] = ()  # of these alarms; omitted: of all
    # mail: whom it is sent to, by this server's own queue
    to: tuple[str, ...] = ()
    # mail: omitted: postmaster@ and server.hostname
    sender: str | None = None
    # webhook, slack; of PagerDuty it is known. One that is secret, as Slack's are, stands better in a file
    url: str | None = None
    url_file: str | None = None  # mode 0600, the URL in its first line
    # webhook: whsec_..., by which requests are signed; pagerduty: the integration key. Mode 0600
    secret_file: str | None = None


class Alarms(Table, frozen=True, kw_only=True):
    """What the server watches by itself, and whom it tells (docs/alarms.md)."""

    enabled: bool = True
    every_s: Seconds = 15.0  # between two looks
    # notices of one alarm are this far apart at least: what happens meanwhile is told together
    group_s: SecondsOrNone = 300.0
    remind_s: SecondsOrNone = 14_400.0  # 4 hours: what is still raised is told again; 0: never
    keep: Count = 500  # alarms that are over, for `postmaster alerts history`
    # of webhooks that may be private: ["10.1.0.0/16"]; omitted: none
    allow_networks: tuple[str, ...] = ()
    allow_http: bool = False  # webhooks without TLS; false: only inside allow_networks
    runbooks: str = ""  # before a runbook's name in notices: https://wiki.example.com/angarium; omitted: docs/runbooks
    notify: tuple[Notify, ...] = ()


class OwnLimits(Table, frozen=True, kw_only=True):
    """Changes one of the alarms that there are; what is left out stays (docs/alarms.md has all of them)."""

    name: Name
    off: bool = False  # it is not looked for
    severity: Severity | None = None
    # a number, in percent where the alarm's is a share; a duration where it is a time: "30s"
    level: float | str | None = None
    # from where on it is over; omitted with a level: as far from it as before
    end_level: float | str | None = None
    window_s: Seconds | None = None  # of what is counted
    minimum: Count | None = None  # in the window: with fewer there is no figure
    for_s: SecondsOrNone | None = None  # so long beyond the level before it is raised
    end_for_s: SecondsOrNone | None = None  # so long at end_level before it is over
