"""What each alarm is about, in words: its limits are ``config.alarm_limits``'. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.alarms.alarm import About, Alarm
from angarium.config.alarm_limits import AlarmLimits, limits_of
from angarium.config.alarms import OwnLimits

# Of mail: each of these is judged by itself
_OF_MAIL: Final = ("all", "tenant", "stream", "provider", "source")

ABOUT: Final[tuple[About, ...]] = (
    About(
        name="bounce_rate",
        title="Too much mail is given up",
        subjects=_OF_MAIL,
        figure="recipients given up or sent back, of those that came to an end",
        why="Providers take many addresses that do not exist, or refusals that are ignored, for a sign of spam.",
        look=("postmaster reputation", "postmaster queue summary --by reply"),
    ),
    About(
        name="complaint_rate",
        title="Too many recipients complain",
        subjects=_OF_MAIL,
        figure="complaints, of recipients that got their mail",
        why="Who is called spam too often is filed as spam, by the provider, for everybody.",
        look=("postmaster reputation",),
    ),
    About(
        name="delivery_rate",
        title="Too little mail arrives",
        subjects=_OF_MAIL,
        figure="recipients that got their mail, of those that came to an end or were put off most recently",
        why="Mail is refused, or put off again and again.",
        look=("postmaster queue summary --by reply", "postmaster top --once"),
        explained_by=("bounce_rate",),
    ),
    About(
        name="smtp_success_drop",
        title="Hosts accept less than they did",
        subjects=("all", "provider", "source"),
        figure="fall of the share of attempts that were answered by 2xx, against the hour before",
        why="Something changed a moment ago: a block, a network, a record in DNS, or what is sent.",
        look=("postmaster queue summary --by reply", "postmaster rules list"),
    ),
    About(
        name="delivery_delay",
        title="Mail arrives late",
        figure="p95 from acceptance to delivery",
        why="Mail waits: for limits, for a provider that puts it off, or for us.",
        look=("postmaster forecast", "postmaster top --once"),
    ),
    About(
        name="queue_age",
        title="Mail waits in the queue for days",
        figure="age of the oldest message",
        why="What is as old as this will soon be returned to its sender, or is held and forgotten.",
        look=("postmaster queue list --older-than 3d", "postmaster queue rules"),
    ),
    About(
        name="no_deliveries",
        title="Mail is due, and none is tried",
        figure="time since the last attempt, while recipients are overdue",
        why="Delivery stands still: a process hangs, the disk is full, or the network is gone.",
        look=("postmaster status", "postmaster forecast"),
        explained_by=("disk_full",),
    ),
    About(
        name="dns_failing",
        title="Look-ups in DNS fail",
        figure="look-ups without an answer, of those that were asked",
        why="Without DNS nothing can be delivered, and domains cannot be checked.",
        look=("postmaster check",),
    ),
    About(
        name="address_listed",
        title="A blocklist has one of our addresses",
        subjects=("address",),
        figure="blocklists that have it",
        why="Hosts that ask this list refuse our mail.",
        look=("postmaster reputation blocklists",),
    ),
    About(
        name="sender_paused",
        title="A sender was stopped",
        subjects=("tenant", "campaign"),
        figure="pauses in force",
        why="Its mail is held, since too much of it goes nowhere or is complained of.",
        look=("postmaster reputation tenant {name}",),
    ),
    About(
        name="provider_suspended",
        title="A provider is left alone",
        subjects=("path", "provider"),
        figure="rules that suspend it",
        why="The provider said that it takes nothing from this source now; mail waits.",
        look=("postmaster rules list",),
    ),
    About(
        name="smart_host_resting",
        title="A smart host does not do",
        subjects=("way",),
        figure="times it was left alone",
        why="It did not answer, or took nothing; it is probed now and then.",
        look=("postmaster log --limit 20",),
    ),
    About(
        name="smart_host_quota",
        title="A smart host's quota is nearly used",
        subjects=("way",),
        figure="recipients of the last 24 hours, of those that it takes",
        why="What comes after the last one waits.",
        look=("postmaster forecast",),
    ),
    About(
        name="warmup_held",
        title="A warm-up is held",
        subjects=("path",),
        figure="holds",
        why="The source does not come any further at this provider: too much was refused, or somebody said so.",
        look=("postmaster warmup",),
    ),
    About(
        name="event_lag",
        title="What follows events is behind",
        subjects=("consumer",),
        figure="age of the first event that it has not read",
        why="Figures, history or webhooks tell of the past; while one is behind, the queue keeps its events.",
        look=("journalctl -u angarium -p warning --since -1h",),
    ),
    About(
        name="dead_letters",
        title="Webhook deliveries were given up",
        subjects=("all", "endpoint"),
        figure="deliveries that were given up and not replayed",
        why="A tenant's endpoint does not know what became of its mail.",
        look=("postmaster webhook list",),
    ),
    About(
        name="api_latency",
        title="The API is slow",
        figure="p95 of requests",
        why="Applications wait for us, and give up.",
        look=("postmaster status", "postmaster top --once"),
    ),
    About(
        name="api_throttled",
        title="API requests are throttled",
        figure="requests answered by 429",
        why="A key sends faster than it may, or its limit is too low.",
        look=("journalctl -u angarium --since -10m",),
    ),
    About(
        name="api_errors",
        title="The API fails",
        figure="requests answered by 5xx",
        why="Applications cannot hand over their mail.",
        look=("journalctl -u angarium -p err --since -10m", "postmaster status"),
    ),
    About(
        name="internal_errors",
        title="Faults of ours",
        figure="faults, each logged with its traceback",
        why="The program met what its authors did not think of.",
        look=("journalctl -u angarium -p err --since -1h",),
    ),
    About(
        name="processes_ending",
        title="Processes end and are started again",
        figure="starts of processes besides the first",
        why="A process crashes, or is killed for want of memory.",
        look=("journalctl -k --since -1h", "postmaster status"),
    ),
    About(
        name="notices_failing",
        title="Nobody hears of alarms here",
        subjects=("target",),
        figure="failures in a row",
        why="Notices of alarms do not reach whom they are meant for.",
        look=("postmaster alerts test",),
    ),
    About(
        name="disk_filling",
        title="The disk will be full",
        figure="time until free space reaches queue.min_free_octets, by how the last hour went",
        why="Below that mark new mail is refused.",
        look=("df -h", "postmaster queue list --limit 1"),
        explained_by=("disk_full",),
    ),
    About(
        name="disk_full",
        title="The disk is full",
        figure="whether free space is below queue.min_free_octets",
        why="New mail is refused with 452; what is queued is delivered.",
        look=("df -h", "postmaster queue list --limit 1"),
    ),
    About(
        name="certificate_ending",
        title="A certificate ends soon",
        subjects=("certificate",),
        figure="time until it ends",
        why="Clients and browsers refuse it from then on.",
        look=("postmaster doctor",),
    ),
    About(
        name="domain_failing",
        title="DNS records of a sending domain are wrong",
        subjects=("domain",),
        figure="whether its records fail",
        why="Its mail is not signed as receivers want it, or cannot be verified.",
        look=("postmaster domain check {name}",),
    ),
    About(
        name="tracking_host_failing",
        title="A tracking host does not lead here",
        subjects=("tracking_host",),
        figure="whether it fails",
        why="Links in mail that was sent lead nowhere.",
        look=("postmaster tracking-host show {name}",),
    ),
    About(
        name="clock_wrong",
        title="The clock is off",
        figure="by how much the clock jumped, or was said to be off",
        why="Signatures, tokens and retries go by the clock.",
        look=("postmaster doctor", "timedatectl"),
    ),
)
_BY_NAME: Final = {each.name: each for each in ABOUT}


def alarms_of(written: Sequence[OwnLimits]) -> tuple[Alarm, ...]:
    """Return those that are looked for, as a checked configuration has them."""
    return tuple(alarm_of(each) for each in limits_of(written))


def alarm_of(limits: AlarmLimits) -> Alarm:
    return Alarm(about=_BY_NAME[limits.name], **msgspec.structs.asdict(limits))


def find_about(name: str) -> About | None:
    return _BY_NAME.get(name)


CATALOGUE: Final[tuple[Alarm, ...]] = alarms_of(())
