"""A rule came into force: of what a provider said, or of the share of what it refused."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent
from angarium.queue.model import UnixMs


class RuleInForce(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """One of its actions, for one scope; ``message_id`` is empty."""

    number: ClassVar[int] = 18
    name: ClassVar[str] = "rule_in_force"

    rule: str
    action: str  # suspend | throttle | connections | messages_per_connection | hold | reroute
    scope: str  # source | tenant | sender_domain | stream | campaign
    subject: str  # whose mail: the source's, tenant's, ... name
    provider: str
    until: UnixMs | None  # of its full force; None: until it is undone
    reply: str  # that caused it
