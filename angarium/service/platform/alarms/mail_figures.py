"""How mail fares, measured for alarms: of the figures that are kept of senders' standing."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from angarium.alarms.alarm import Alarm
from angarium.alarms.reading import Measured, Reading, fallen, share
from angarium.alarms.subject import ALL, Subject
from angarium.queue import UnixMs
from angarium.reputation.figures import Figures, Tally

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


def measure_mail(
    figures: Figures, alarms: Mapping[str, Alarm], now: UnixMs
) -> Iterator[tuple[str, Measured]]:
    """Yield what was measured of each of these alarms. Figures outlive a restart: each window is whole."""
    tallies: dict[tuple[int, int], Tallies] = {}

    def tallies_of(span_ms: int, before_ms: int = 0) -> Tallies:
        key = (span_ms, before_ms)
        if key not in tallies:
            tallies[key] = _tallies(figures, span_ms, now, before_ms)
        return tallies[key]

    for name in NAMES & alarms.keys():
        alarm = alarms[name]
        span_ms = round((alarm.window_s or 0) * 1000)
        found = tallies_of(span_ms)
        if name == "smtp_success_drop":
            readings = _drops(found, tallies_of(max(_HOUR_MS - span_ms, span_ms), span_ms))
        else:
            readings = [_reading(alarm, subject, each) for subject, each in found.items()]
        yield name, Measured(readings=readings)


def _reading(alarm: Alarm, subject: Subject, tally: Tally) -> Reading:
    refused = sum(tally.refusals.values())
    match alarm.name:
        case "bounce_rate":
            return share(alarm, refused, tally.sent, subject, detail=_classes(tally.refusals))
        case "complaint_rate":
            return share(alarm, tally.complained, tally.delivered, subject)
        case "delivery_rate":
            arrived = max(0, tally.delivered - sum(tally.returned.values()))
            return share(alarm, arrived, tally.sent, subject, detail=_classes(tally.refusals))
        case _:
            deferred = sum(tally.deferred.values())
            tried = tally.sent + deferred
            return share(alarm, deferred, tried, subject, detail=_classes(tally.deferred))


def _drops(now: Tallies, before: Tallies) -> Sequence[Reading]:
    found = []
    for subject, tally in now.items():
        earlier = before.get(subject)
        if earlier is not None:
            detail = _classes(Counter(tally.deferred) + Counter(tally.bounced))
            found.append(fallen(_answers(earlier), _answers(tally), subject, detail=detail))
    return found


def _answers(tally: Tally) -> tuple[int, int]:
    """Return how many attempts succeeded, of how many. What expired was no attempt."""
    refused = sum(tally.bounced.values()) - tally.bounced.get("expired", 0)
    return tally.delivered, tally.delivered + refused + sum(tally.deferred.values())


def _tallies(figures: Figures, span_ms: int, now: UnixMs, before_ms: int) -> Tallies:
    found: dict[Subject, Tally] = {}
    whole = Tally()
    for kind in _KINDS:
        for name, tally in figures.recent(kind, span_ms, now, before_ms):
            if not tally.sent and not tally.deferred and not tally.complained:
                continue
            found[Subject(kind=kind, name=name)] = tally
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
