"""What goes where, and how much waits for whom?"""

import msgspec

from angarium.insight.admin.protocol import Question
from angarium.mta.egress.narrowing import Narrowing
from angarium.mta.traffic import PathTraffic
from angarium.queue import UnixMs
from angarium.queue.breakdown import Breakdown

# Ours, of one item: some milliseconds of a delivery process
PATHS_AT_ONCE = 100


class SomeTraffic(msgspec.Struct, frozen=True):
    paths: tuple[PathTraffic, ...]


class TrafficEnds(msgspec.Struct, frozen=True):
    in_force: tuple[Narrowing, ...]


class AskTraffic(Question[TrafficEnds, SomeTraffic], frozen=True, tag="traffic"):
    """By source and provider; delivery answers for its own."""


class QueueCensus(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted a moment ago: the count reads the whole queue, so it is not made for each who asks."""

    at: UnixMs
    by_provider: Breakdown


class AskCensus(Question[QueueCensus, None], frozen=True, tag="queue_census"):
    """Platform answers."""
