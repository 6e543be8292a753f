"""How is this process?"""

import msgspec

from angarium.insight.admin.protocol import Question
from angarium.insight.admin.reloading import ProcessReload
from angarium.queue import UnixMs


class Status(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    pid: int
    version: str  # of Angarium
    since: UnixMs  # when the process started
    reasons: tuple[str, ...]  # why it does not do its work; empty: it does
    watchers: int  # who see its sessions (WatchSessions)
    notes: tuple[str, ...] = ()  # what else an operator should know; it does its work
    # The last one; None: there was none since the server started
    reload: ProcessReload | None = None


class AskStatus(Question[Status, None], frozen=True, tag="status"):
    """Every process answers, also while it starts and stops."""
