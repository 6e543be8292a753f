"""Mirrors angarium/telemetry/reference.py, and holds every metric to what its names may be."""

import re
from pathlib import Path

import pytest

from angarium.telemetry.maker import Described
from angarium.telemetry.metrics import Metrics
from angarium.telemetry.reference import LABELS, NOUNS, render, unit_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"
DESCRIBED = Metrics().described
NAMES = [each.name for each in DESCRIBED]


def test_the_document_is_the_one_of_these_metrics() -> None:
    command = "python -m angarium.telemetry.reference docs/metrics.md"
    assert DOCUMENT.read_text(encoding="utf-8") == render(), command


@pytest.mark.parametrize("metric", DESCRIBED, ids=NAMES)
def test_a_metric_says_what_it_is_in_which_unit_and_by_which_labels(metric: Described) -> None:
    assert re.fullmatch(r"angarium(_[a-z]+)+", metric.name)
    assert len(metric.text) > 10
    assert metric.section
    assert unit_of(metric)
    assert metric.name.endswith("_total") == (metric.type == "counter")
    assert not re.search("octets|minutes|hours|days|_ms|percent", metric.name)
    assert set(metric.labels) <= set(LABELS)


def test_no_label_and_no_noun_is_listed_in_vain() -> None:
    assert set(LABELS) == {label for each in DESCRIBED for label in each.labels}
    words = {word for name in NAMES for word in name.split("_")}
    assert words >= NOUNS


@pytest.mark.parametrize("name", ["angarium_queue", "angarium_tenants_open", "angarium_a_octets"])
def test_a_name_that_does_not_say_what_is_counted_is_none(name: str) -> None:
    metric = Described(section="", name=name, type="gauge", text="", labels={})
    with pytest.raises(ValueError, match="no unit"):
        unit_of(metric)
