"""What is looked at for changes: shares of mail, each of two sums of counters. Pure."""

from collections.abc import Mapping
from typing import Final

import msgspec

from angarium.analytics.insights.shares import Share

Counts = Mapping[str, int]


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    noun: str  # "the bounce rate"
    part: tuple[str, ...]  # counters that are added up; with "-" before it: taken off
    whole: tuple[str, ...]
    of: str  # what the whole is, in words
    bad_when: str  # more | less
    # Ours: a smaller change is no news, however sure it is. In parts of what it was, and in parts of the whole
    least_factor: float
    least_points: float

    def share(self, counts: Counts) -> Share:
        whole = _sum(self.whole, counts)
        # What is counted in another hour than the message that it is of: never more than all
        return Share(part=max(0, min(_sum(self.part, counts), whole)), whole=max(0, whole))


# As ``analytics.rates`` has them
_TAKEN: Final = ("delivered", "sent", "-delivered_told")
_TRIED: Final = (*_TAKEN, "bounced", "-bounced_late", "expired")

MEASURES: Final = (
    Measure(
        name="bounce_rate",
        noun="the bounce rate",
        part=("bounced",),
        whole=_TRIED,
        of="recipients that were tried to the end",
        bad_when="more",
        least_factor=1.5,
        least_points=0.005,
    ),
    Measure(
        name="deferral_rate",
        noun="the share that had to wait for another attempt",
        part=("deferred",),
        whole=_TRIED,
        of="recipients that were tried to the end",
        bad_when="more",
        least_factor=1.5,
        least_points=0.02,
    ),
    Measure(
        name="complaint_rate",
        noun="the complaint rate",
        part=("complained",),
        whole=_TAKEN,
        of="recipients whose mail a host took",
        bad_when="more",
        least_factor=1.5,
        least_points=0.0002,
    ),
    Measure(
        name="open_rate",
        noun="the share of recipients who opened",
        part=("opened_recipients",),
        whole=_TAKEN,
        of="recipients whose mail a host took",
        bad_when="less",
        least_factor=1.2,
        least_points=0.02,
    ),
    Measure(
        name="click_rate",
        noun="the share of recipients who clicked",
        part=("clicked_recipients",),
        whole=_TAKEN,
        of="recipients whose mail a host took",
        bad_when="less",
        least_factor=1.2,
        least_points=0.005,
    ),
    Measure(
        name="unsubscribe_rate",
        noun="the share of recipients who left",
        part=("unsubscribed",),
        whole=_TAKEN,
        of="recipients whose mail a host took",
        bad_when="more",
        least_factor=1.5,
        least_points=0.001,
    ),
)


def _sum(names: tuple[str, ...], counts: Counts) -> int:
    return sum(-counts[name[1:]] if name.startswith("-") else counts[name] for name in names)
