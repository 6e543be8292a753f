"""A hold that binds later mail too: who must wait, on whose word, why, and until when. Pure."""

import msgspec

from angarium.queue.model import Filter, UnixMs


class HoldRule(msgspec.Struct, frozen=True, kw_only=True):
    """All given conditions must hold; at least one is given. One to be added has its conditions and ``until`` only."""

    id: int = 0  # given by the queue, never given twice
    tenant: str | None = None
    sender: str | None = None  # address, or @domain; "" is the null reverse-path
    domain: str | None = None  # recipient's domain
    provider: str | None = None
    who: str = ""
    why: str = ""
    since: UnixMs = UnixMs(0)
    until: UnixMs | None = None  # from then on it binds nothing, and what it held is released

    @property
    def wanted(self) -> Filter:
        """What it holds at the moment when it is added."""
        return Filter(
            tenant=self.tenant, sender=self.sender, domain=self.domain, provider=self.provider
        )

    def is_in_force(self, now: UnixMs) -> bool:
        return self.until is None or now < self.until
