"""Who is stopped, listed, left alone or failing, measured for alarms: a reading for each, with why."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from angarium.alarms.reading import Measured, plain
from angarium.alarms.subject import Kind, Subject
from angarium.queue import UnixMs
from angarium.queue.keepsakes import Keepsakes
from angarium.reputation.blocklists import Listing
from angarium.reputation.breaker import Party, Pause
from angarium.reputation.rule_keepsakes import PREFIX as RULES
from angarium.reputation.rule_keepsakes import read_kept as read_rules
from angarium.reputation.warmups import PREFIX as WARMUPS
from angarium.reputation.warmups import read_kept as read_warmup
from angarium.service.platform.alarms.machine_figures import readings_of


def measure_listings(listings: Iterable[Listing]) -> Measured:
    found: dict[Subject, list[str]] = {}
    for each in listings:
        words = f"{each.zone}: {each.meaning}" if each.meaning else each.zone
        found.setdefault(Subject(kind="address", name=each.address), []).append(words)
    return readings_of(found)


def measure_pauses(pauses: Mapping[Party, Pause]) -> Measured:
    found: dict[Subject, list[str]] = {}
    for party, pause in pauses.items():
        kind: Kind = "campaign" if party.campaign else "tenant"
        name = f"{party.tenant}/{party.campaign}" if party.campaign else party.tenant
        found[Subject(kind=kind, name=name)] = [pause.why]
    return readings_of(found)


def measure_rules(keepsakes: Keepsakes, now: UnixMs) -> Measured:
    """Of all processes: what is in force is kept in the queue's file."""
    found: dict[Subject, list[str]] = {}
    for each in read_rules(keepsakes.read(RULES), lambda _: True):
        if each.action != "suspend" or each.is_over(now):
            continue
        reach = each.reach
        if reach.scope == "source":
            subject = Subject(kind="path", name=f"{reach.subject} at {reach.provider}")
            words = f"{each.rule}: {each.reply}"
        else:
            subject = Subject(kind="provider", name=reach.provider)
            words = f"{each.rule}, of {reach.scope} {reach.subject}: {each.reply}"
        found.setdefault(subject, []).append(words)
    return readings_of(found)


def measure_warmups(keepsakes: Keepsakes, sources: Collection[str]) -> Measured:
    """``sources``: that are being warmed, as configured; of others something may still be kept."""
    found: dict[Subject, list[str]] = {}
    for octets in keepsakes.read(WARMUPS).values():
        kept = read_warmup(octets)
        if kept is not None and kept.record.is_held and kept.source in sources:
            note = f": {kept.record.note}" if kept.record.note else ""
            subject = Subject(kind="path", name=f"{kept.source} at {kept.provider}")
            found[subject] = [f"day {kept.record.day}{note}"]
    return readings_of(found)


def measure_failing(kind: Kind, failing: Sequence[tuple[str, str]]) -> Measured:
    """``failing``: names, each with what is known of why."""
    return readings_of({Subject(kind=kind, name=name): [why] for name, why in failing})


def measure_targets(failures: Mapping[str, tuple[int, str]]) -> Measured:
    """``failures``: by target of notices, how often in a row, and what came of the last one."""
    return Measured(
        readings=[
            plain(float(number), Subject(kind="target", name=name), detail=problem)
            for name, (number, problem) in failures.items()
        ]
    )
