"""Mirrors angarium/insight/checks/links.py: links of postmasters end after thirty days."""

from datetime import date, timedelta

import pytest

from angarium.config.schema import Config, Postmasters, Server
from angarium.insight.checks.links import check_links

TODAY = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("age", "verdict", "words"),
    [
        (0, "ok", "made 2026-11-29, 0 days ago"),
        (22, "ok", "22 days ago"),
        (23, "warn", "ends in 7 days"),
        (29, "warn", "ends in 1 day:"),
        (30, "fail", "has ended"),
        (400, "fail", "has ended"),
    ],
)
def test_a_link_is_reminded_of_before_it_ends(age: int, verdict: str, words: str) -> None:
    links = Postmasters(snds_link=str(TODAY - timedelta(days=age)))
    config = Config(server=Server(hostname="mx.test"), postmasters=links)
    (finding,) = check_links(config, TODAY)
    assert (finding.verdict, words in finding.text) == (verdict, True), finding
    assert finding.evidence is not None
    assert finding.evidence.subject == "SNDS"
    assert bool(finding.evidence.remedy) is (verdict != "ok")


def test_without_a_link_nothing_is_said() -> None:
    assert not list(check_links(Config(server=Server(hostname="mx.test")), TODAY))
