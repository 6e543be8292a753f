"""How far each consumer of the event log is behind."""

import msgspec

from angarium.queue import EventLog, UnixMs
from angarium.telemetry.queue_metrics import EVENT_CONSUMERS


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    events: int = 0  # not acknowledged yet
    seconds: float = 0.0  # age of the first of those


def find_lags(events: EventLog, now: UnixMs) -> dict[str, Lag]:
    """Return each consumer's lag, by the names that the metrics know; of others, the largest as ``other``."""
    last = events.last()
    lags = dict.fromkeys(EVENT_CONSUMERS, Lag())
    for consumer, position in events.consumers().items():
        name = consumer if consumer in lags else "other"
        if last - position > lags[name].events:
            first = events.read(position, 1)
            age_ms = max(0, now - first[0].event.at) if first else 0
            lags[name] = Lag(events=last - position, seconds=age_ms / 1000)
    return lags
