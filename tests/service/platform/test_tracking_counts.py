"""Mirrors angarium/service/platform/event_counts.py, of what was fetched."""

from angarium.config.providers import shipped
from angarium.service.platform.event_counts import Totals
from angarium.service.platform.provider_labels import ProviderLabels
from tests.queue.test_recording import fetched, opened


def test_fetches_are_counted_by_kind_and_what_was_judged_by_verdict() -> None:
    totals = Totals()
    labels = ProviderLabels(shipped().provider)
    for event in (fetched(1), fetched(2), opened(1)):
        totals.count(event, labels, lambda _: "1")
    assert totals.fetches == {"picture": 2}
    assert totals.judged == {"opened human": 1}
