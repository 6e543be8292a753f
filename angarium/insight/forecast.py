"""How long what is queued for a provider will take, and which limit is the bottleneck. Pure.

It reckons with the limits and the speed of now: that nothing new comes in, that the provider goes on as it answered of
late, and that a source that has come to its limit leaves its share to the others, as pools do.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from angarium.mta.egress.narrowing import Allowance
from angarium.queue import UnixMs

Bottleneck = Literal[
    "suspension",
    "warm_up",
    "message_rate",
    "connection_rate",
    "connections",  # times what a transaction takes
    "provider",  # it defers: what it answers takes another try
    "",  # nothing is queued
]
# The order in which one is named where several would have to go together: what an operator can do most about last
LIMITS: Final[tuple[Bottleneck, ...]] = (
    *("suspension", "warm_up", "message_rate", "connection_rate", "provider", "connections"),
)
# Ours, where nothing was measured within the hour: what most hosts take
ASSUMED_TRANSACTION_MS: Final = 1_000
# Ours: who wants to know more has a longer look than a forecast can have
HORIZON_MS: Final = 90 * 86_400_000


class PathCapacity(msgspec.Struct, frozen=True, kw_only=True):
    """What one source may and can send to the provider. None: there is no such limit."""

    source: str
    connections: int
    transfers: int  # over one connection
    transaction_ms: float | None  # None: not measured
    recipients_per_message: float = 1.0  # as measured
    messages_per_s: float | None = None
    connections_per_s: float | None = None
    allowance: Allowance | None = None  # of a warm-up
    suspended_until: UnixMs | None = None
    # Nobody knows until when; only with ``suspended_until`` None
    is_suspended: bool = False


class ProviderLoad(msgspec.Struct, frozen=True, kw_only=True):
    provider: str
    queued: int  # recipients that are not held
    held: int = 0
    answered: int = 0  # recipients within the hour
    deferred: int = 0  # of these
    paths: tuple[PathCapacity, ...] = ()


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    provider: str
    queued: int
    held: int  # not in the forecast
    takes_ms: int | None  # None: not within 90 days, as it is
    bottleneck: Bottleneck
    # With the bottleneck twice as wide; None: not within 90 days either
    takes_eased_ms: int | None
    per_minute: float  # recipients, once nothing is suspended
    is_measured: bool  # whether anything was sent there within the hour


def forecast(load: ProviderLoad, now: UnixMs) -> Forecast:
    """Return how long it takes: the bottleneck is the limit that would make it shortest, were it twice as wide."""
    takes = _takes_ms(load, now, "")
    bottleneck: Bottleneck = ""
    eased = takes
    if load.queued:
        bottleneck, eased = min(
            ((each, _takes_ms(load, now, each)) for each in LIMITS),
            key=lambda found: HORIZON_MS + 1 if found[1] is None else found[1],
        )
        if eased == takes:
            bottleneck = _lowest(load, now, takes)
    answers = _answers(load, "")
    rate = sum(min(_rates(each).values()) * each.recipients_per_message for each in load.paths)
    return Forecast(
        provider=load.provider,
        queued=load.queued,
        held=load.held,
        takes_ms=takes,
        bottleneck=bottleneck,
        takes_eased_ms=eased,
        per_minute=round(60 * rate * answers, 1),
        is_measured=any(each.transaction_ms is not None for each in load.paths),
    )


def _lowest(load: ProviderLoad, now: UnixMs, takes_ms: int | None) -> Bottleneck:
    """No limit alone keeps it back, or twice of it would come no sooner: name what is lowest of the first source, the
    rest is as low.
    """
    for each in load.paths:
        if each.is_suspended or each.suspended_until is not None:
            return "suspension"
        rates = _rates(each)
        after_ms = HORIZON_MS if takes_ms is None else takes_ms
        able = min(rates.values()) * each.recipients_per_message * after_ms / 1000
        if each.allowance is not None and sum(_allowed(each.allowance, now, after_ms)) <= able:
            return "warm_up"
        return min(rates, key=lambda limit: rates[limit])
    return "connections"


def _takes_ms(load: ProviderLoad, now: UnixMs, eased: Bottleneck) -> int | None:
    """Return when so much has been taken, as if one limit were twice as wide. What is sent only grows with time."""
    if not load.queued:
        return 0
    answers = _answers(load, eased)

    def taken(at_ms: int) -> float:
        return answers * sum(_sent(each, now, at_ms, eased) for each in load.paths)

    if taken(HORIZON_MS) < load.queued:
        return None
    low, high = 0, HORIZON_MS
    while low < high:
        middle = (low + high) // 2
        if taken(middle) >= load.queued:
            high = middle
        else:
            low = middle + 1
    return low


def _answers(load: ProviderLoad, eased: Bottleneck) -> float:
    """Return which part of what is sent is done with, and not tried again."""
    if not load.answered:
        return 1.0
    deferred = load.deferred / 2 if eased == "provider" else load.deferred
    return (load.answered - deferred) / load.answered


def _sent(path: PathCapacity, now: UnixMs, after_ms: int, eased: Bottleneck) -> float:
    """Return how many recipients a source has had answers for by then."""
    starts = 0
    if path.suspended_until is not None:
        starts = max(0, path.suspended_until - now) // (2 if eased == "suspension" else 1)
    elif path.is_suspended and eased != "suspension":
        return 0.0
    lasts = after_ms - starts
    if lasts <= 0:
        return 0.0
    rates = _rates(path)
    if eased in rates:
        rates[eased] *= 2
    recipients = min(rates.values()) * path.recipients_per_message * lasts / 1000
    if path.allowance is not None:
        allowed = sum(_allowed(path.allowance, now, after_ms))
        recipients = min(recipients, allowed * (2 if eased == "warm_up" else 1))
    return recipients


def _allowed(allowance: Allowance, now: UnixMs, after_ms: int) -> Iterator[int]:
    yield allowance.left
    over = now + after_ms - allowance.renews_at
    if over >= 0:
        yield (1 + over // allowance.period_ms) * allowance.per_period


def _rates(path: PathCapacity) -> dict[Bottleneck, float]:
    """Return what each limit that there is lets through, in messages a second."""
    takes_ms = ASSUMED_TRANSACTION_MS if path.transaction_ms is None else path.transaction_ms
    found: dict[Bottleneck, float] = {
        "connections": path.connections * 1000 / max(takes_ms, 1),
    }
    if path.messages_per_s is not None:
        found["message_rate"] = path.messages_per_s
    if path.connections_per_s is not None:
        found["connection_rate"] = path.connections_per_s * path.transfers
    return found


def total_takes_ms(forecasts: Sequence[Forecast]) -> int | None:
    """Return when all of it is done: providers do not wait for each other."""
    takes = [each.takes_ms for each in forecasts]
    return None if None in takes else max((each for each in takes if each is not None), default=0)
