"""What single reports of complaints and bounces add up to: by day, class, provider and source. Pure.

The reports themselves were read when they came (``feedback``); here their events are counted, each once.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from angarium.feedback.mail.complaints import is_complaint
from angarium.queue.events import Complained, ReportBounced

DAY_MS: Final = 86_400_000
# Ours, of one name in a row
MAX_KEY: Final = 255
Told = Complained | ReportBounced


class CameBack(msgspec.Struct, frozen=True, kw_only=True):
    """A row's key."""

    tenant: str
    day: int
    kind: str  # complaint | bounce | other: a feedback report that is no complaint
    bounce_class: str  # or the feedback type of a complaint
    provider: str  # ""; not known any more
    source: str
    domain: str  # of the sender


def is_told(event: object) -> bool:
    return isinstance(event, Told)


def key_of(event: Told, provider: str, source: str) -> CameBack:
    if isinstance(event, ReportBounced):
        kind, what = "bounce", event.bounce_class
    else:
        kind = "complaint" if is_complaint(event.feedback_type) else "other"
        what = event.feedback_type
    return CameBack(
        tenant=event.tenant,
        day=event.at // DAY_MS,
        kind=kind,
        bounce_class=what[:MAX_KEY] or "undetermined",
        provider=provider[:MAX_KEY],
        source=source[:MAX_KEY],
        domain=event.sender_domain[:MAX_KEY],
    )


def counted(keys: Iterable[CameBack]) -> dict[CameBack, int]:
    found: dict[CameBack, int] = {}
    for each in keys:
        found[each] = found.get(each, 0) + 1
    return found
