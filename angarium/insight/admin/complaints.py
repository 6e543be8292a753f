"""Tells delivery processes who complained, so that rules and warm-ups hear of it, and whom to slow down for that.

Asked by the platform process.
"""

import msgspec

from angarium.insight.admin.protocol import Question
from angarium.queue import UnixMs
from angarium.reputation.slowing import Slowing


class ToldComplaint(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient's, with how its mail had left."""

    sequence: int  # of its event: what was told twice counts once
    source: str
    provider: str
    at: UnixMs


class ComplaintsHeard(msgspec.Struct, frozen=True):
    count: int  # that were new, and of providers of the process


class HearComplaints(Question[ComplaintsHeard, None], frozen=True, tag="hear_complaints"):
    """In the order of their events. Each process takes those of its own providers."""

    complaints: tuple[ToldComplaint, ...]


class SendersSlowed(msgspec.Struct, frozen=True):
    count: int  # at providers of the process


class SlowSenders(Question[SendersSlowed, None], frozen=True, tag="slow_senders"):
    """Each process takes those of its own providers."""

    slowings: tuple[Slowing, ...]
