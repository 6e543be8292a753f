"""How mail fares, measured for alarms: of the figures that are kept of senders' standing."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from angarium.alarms.alarm import Alarm
from angarium.alarms.reading import Measured, Reading, fallen, share
from angarium.alarms.subject import ALL, Subject
from angarium.queue import UnixMs
from angarium.reputation.figures import Figures, Tally

# Subjects that are looked at before others have their turn: some milliseconds
_STEP: Final = 50
_HOUR_MS: Final = 3_600_000
# Those that figures are kept of; the whole is the sum over the tenants, whose mail all is but our own notices
_KINDS: Final[tuple[Literal["tenant", "stream", "provider", "source"], ...]] = (
    *("tenant", "stream", "provider", "source"),
)
_WHOLE: Final = "tenant"
NAMES: Final = frozenset(
    {"bounce_rate", "complaint_rate", "delivery_rate", "deferral_rate", "smtp_success_drop"}
)
Tallies = Mapping[Subject, Tally]


async def measure_mail(
    figures: Figures, alarms: Mapping[str, Alarm], now: UnixMs
) -> dict[str, Measured]:
    """Return what was measured of each of these alarms. Figures outlive a restart: each window is whole."""
    tallies: dict[tuple[int, int], Tallies] = {}

    async def tallies_of(span_ms: int, before_ms: int = 0) -> Tallies:
        key = (span_ms, before_ms)
        if key not in tallies:
            tallies[key] = await _tallies(figures, span_ms, now, before_ms)
        return tallies[key]

    measured: dict[str, Measured] = {}
    for name in sorted(NAMES & alarms.keys()):
        alarm = alarms[name]
        span_ms = round((alarm.window_s or 0) * 1000)
        found = await tallies_of(span_ms)
        if name == "smtp_success_drop":
            before = await tallies_of(max(_HOUR_MS - span_ms, span_ms), span_ms)
            readings = _drops(alarm, found, before)
        else:
            readings = [_reading(alarm, subject, each) for subject, each in found.items()]
        measured[name] = Measured(readings=readings)
        await asyncio.sleep(0)
    return measured


def _reading(alarm: Alarm, subject: Subject, tally: Tally) -> Reading:
    refused = sum(tally.refusals.values())
    match alarm.name:
        case "bounce_rate":
            return _with_why(alarm, share(alarm, refused, tally.sent, subject), tally.refusals)
        case "complaint_rate":
            return share(alarm, tally.complained, tally.delivered, subject)
        case "delivery_rate":
            arrived = max(0, tally.delivered - sum(tally.returned.values()))
            return _with_why(alarm, share(alarm, arrived, tally.sent, subject), tally.refusals)
        case _:
            deferred = sum(tally.deferred.values())
            reading = share(alarm, deferred, tally.sent + deferred, subject)
            return _with_why(alarm, reading, tally.deferred)


def _drops(alarm: Alarm, now: Tallies, before: Tallies) -> Sequence[Reading]:
    found = []
    for subject, tally in now.items():
        earlier = before.get(subject)
        if earlier is not None:
            reading = fallen(_answers(earlier), _answers(tally), subject)
            why = Counter(tally.deferred) + Counter(tally.bounced)
            found.append(_with_why(alarm, reading, why))
    return found


def _with_why(alarm: Alarm, reading: Reading, counts: Mapping[str, int]) -> Reading:
    """Only of those that somebody may ask: of hundreds of subjects nearly all are well."""
    if alarm.is_calm(reading.figure):
        return reading
    return msgspec.structs.replace(reading, detail=_classes(counts))


def _answers(tally: Tally) -> tuple[int, int]:
    """Return how many attempts succeeded, of how many. What expired was no attempt."""
    refused = sum(tally.bounced.values()) - tally.bounced.get("expired", 0)
    return tally.delivered, tally.delivered + refused + sum(tally.deferred.values())


async def _tallies(figures: Figures, span_ms: int, now: UnixMs, before_ms: int) -> Tallies:
    """In steps, between which others have their turn."""
    found: dict[Subject, Tally] = {}
    whole = Tally()
    for kind in _KINDS:
        # Those that come meanwhile are seen with the next look
        for number, each in enumerate(list(figures.subjects(kind))):
            if number % _STEP == 0:
                await asyncio.sleep(0)
            tally = figures.recent(each, span_ms, now, before_ms)
            if tally is None or not (tally.sent or tally.deferred or tally.complained):
                continue
            found[Subject(kind=kind, name=each.name)] = tally
            if kind == _WHOLE:
                whole = _sum(whole, tally)
    found[ALL] = whole
    return found


def _sum(one: Tally, other: Tally) -> Tally:
    return Tally(
        delivered=one.delivered + other.delivered,
        deferred=dict(Counter(one.deferred) + Counter(other.deferred)),
        bounced=dict(Counter(one.bounced) + Counter(other.bounced)),
        returned=dict(Counter(one.returned) + Counter(other.returned)),
        complained=one.complained + other.complained,
        unsubscribed=one.unsubscribed + other.unsubscribed,
    )


def _classes(counts: Mapping[str, int]) -> str:
    """Return why, the most frequent first: "user_unknown 80, spam 7"."""
    most = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{name} {number:,}" for name, number in most[:4] if number)
