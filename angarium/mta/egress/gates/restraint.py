"""What replies say of a source as a whole: the seam between rules and whoever judges its standing. Pure."""

from typing import Protocol

import msgspec

from angarium.queue.model import Attempt, UnixMs
from angarium.routing.resolution import Site


class Restraint(msgspec.Struct, frozen=True, kw_only=True):
    """A rule keeps a source's mail to a provider waiting, or slows it down."""

    is_suspension: bool
    text: str  # which rule, and the reply that caused it


class KnowsReplies(Protocol):
    """``rule_gate`` is one."""

    def is_of_source(self, attempt: Attempt, site: Site) -> bool:
        """Whether a refusal may be about the source: not about a tenant, a sender, a mailbox or a session's length."""
        ...

    def find_restraint(self, source: str, provider: str, now: UnixMs) -> Restraint | None: ...
