"""Count anew what the event log has: asked of the platform process, which writes the counters."""

import msgspec

from angarium.analytics.rebuilding import Rebuilt
from angarium.insight.admin.protocol import Question


class Recounted(msgspec.Struct, frozen=True):
    events: int  # so far


class RebuildCounters(Question[Rebuilt, Recounted], frozen=True, tag="rebuild_counters"):
    """Who hangs up ends it: then all is as it was."""
