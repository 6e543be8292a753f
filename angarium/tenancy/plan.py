"""What a tenant may do: how much, how fast, by which streams and pools. Pure values."""

from typing import Final, Literal

import msgspec

from angarium.queue.terms import Quota, QuotaPeriod, Terms

OverQuotaRule = Literal["refuse", "wait"]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What nobody has set limits nothing."""

    rate: int | None = None  # requests and messages per second of all its keys; None: the server's
    # Recipients that may be accepted
    per_second: int | None = None
    per_hour: int | None = None
    per_day: int | None = None
    per_month: int | None = None
    over_quota: OverQuotaRule = "refuse"
    streams: tuple[str, ...] = ()  # empty: all
    pools: tuple[str, ...] = ()  # of its streams; empty: all

    @property
    def quotas(self) -> tuple[Quota, ...]:
        limits: tuple[tuple[QuotaPeriod, int | None], ...] = (
            ("second", self.per_second),
            ("hour", self.per_hour),
            ("day", self.per_day),
            ("month", self.per_month),
        )
        return tuple(
            Quota(period=period, limit=each) for period, each in limits if each is not None
        )

    def terms(self, tenant: str) -> Terms:
        return Terms(tenant=tenant, quotas=self.quotas, over_quota=self.over_quota)

    def find_refusal(self, stream: str, pool: str | None) -> str | None:
        """Say why it may not send by this stream, which has a pool of its own or not; None: it may."""
        if self.streams and stream not in self.streams:
            return f"the stream {stream} is not in this tenant's plan: {', '.join(self.streams)}"
        if self.pools and pool is not None and pool not in self.pools:
            return (
                f"the stream {stream} leaves by the pool {pool}, which is not in this tenant's plan"
            )
        return None


UNLIMITED: Final = Plan()
