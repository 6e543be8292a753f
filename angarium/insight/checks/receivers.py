"""Checks of what receivers' reports say of our mail: each thing that is to be done, or one that there is nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from angarium.config.schema import Config
from angarium.insight.checks.finding import Evidence, Finding
from angarium.insight.receiver_sources import own_sources
from angarium.receiver_reports.insight_facts import find_insights
from angarium.receiver_reports.ownership import EVERYTHING
from angarium.receiver_reports.report_file import FILE_NAME, ReportsAwayError, ReportView
from angarium.receiver_reports.tables import ReportReader

NAME: Final = "receivers"
_SUBJECT: Final = "what receivers report"
_EXPECTED: Final = "mail in our name is ours, aligned, and wanted"


def check_receivers(config: Config, today: int) -> Iterator[Finding]:
    """``today``: day since 1970. Nothing, where no report ever came."""
    data_dir = Path(config.server.data_dir)
    try:
        if not (data_dir / FILE_NAME).exists():
            return
        reader = ReportReader(ReportView(data_dir))
        try:
            insights = find_insights(reader, today, EVERYTHING, own_sources(config))
        finally:
            reader.close()
    except ReportsAwayError as error:
        evidence = Evidence(subject=_SUBJECT, expected=_EXPECTED, found=str(error))
        yield Finding(NAME, "warn", str(error), evidence)
        return
    except OSError:
        return  # the data directory is not for us to read: that is said elsewhere
    for each in insights:
        evidence = Evidence(
            subject=f"{each.subject}, as receivers report",
            expected=_EXPECTED,
            found=each.text,
            remedy=each.remedy,
        )
        yield Finding(NAME, each.verdict, f"{each.text}: {each.remedy}", evidence)
    if not insights:
        found = "nothing is wrong by the reports of the last days"
        yield Finding(NAME, "ok", found, Evidence(subject=_SUBJECT, found=found))
