"""How much of a tenant's quotas is used. Answered by the platform process."""

import msgspec

from angarium.insight.admin.protocol import Question
from angarium.queue.quota import QuotaUse


class QuotasUsed(msgspec.Struct, frozen=True):
    uses: tuple[QuotaUse, ...]  # of the present periods, the shortest first


class AskQuotas(Question[QuotasUsed, None], frozen=True, tag="quotas"):
    """Of one tenant; of one that is not known nothing is used."""

    tenant: str
