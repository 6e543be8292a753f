"""Check that links which mailbox providers' postmasters gave us have not ended: they do so unannounced."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from angarium.config.day import find_day
from angarium.config.schema import Config
from angarium.insight.checks.finding import Evidence, Finding, Verdict

LASTS_DAYS: Final = 30  # Microsoft's, since June 2026
SOON_DAYS: Final = 7


def check_links(config: Config, today: date) -> Iterator[Finding]:
    links = {"SNDS": config.postmasters.snds_link, "JMRP": config.postmasters.jmrp_link}
    for name, text in links.items():
        made = find_day(text)
        if made is None:
            continue  # nobody has one, or the loader has said what is wrong
        age = (today - made).days
        left = LASTS_DAYS - age
        found = f"made {made}, {age} days ago"
        expected = f"a link made within the last {LASTS_DAYS - SOON_DAYS} days"
        remedy = f"make a new one, and write its day as postmasters.{name.lower()}_link"
        if left > SOON_DAYS:
            evidence = Evidence(subject=name, expected=expected, found=found)
            yield Finding("link", "ok", f"{name}: {found}", evidence)
            continue
        state = "has ended" if left <= 0 else f"ends in {left} day{'s' * (left > 1)}"
        evidence = Evidence(
            subject=name, expected=expected, found=f"{found}; it {state}", remedy=remedy
        )
        verdict: Verdict = "fail" if left <= 0 else "warn"
        yield Finding("link", verdict, f"{name}: {found}; it {state}: {remedy}", evidence)
