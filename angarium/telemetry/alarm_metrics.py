"""Metrics of the alarms that are evaluated inside, and of who is told of them."""

from collections.abc import Mapping
from typing import Final

from angarium.telemetry.maker import MetricMaker

NOTICE_OUTCOMES: Final = ("told", "failed", "given_up")
SEVERITIES: Final = ("warning", "critical")


class AlarmMetrics:
    """Made once per process, by ``Metrics``; used by the one that looks. ``alarm``: of the closed catalogue."""

    def __init__(self, maker: MetricMaker) -> None:
        self._raised = maker.open_gauges(
            "alarm_raised",
            "Subjects of which an alarm is raised",
            *("alarm", "severity"),
            mode="livesum",
        )
        self.notices = maker.counters(
            "alarm_notices",
            "Attempts to tell of alarms; given_up: nobody could be told for a day",
            outcome=NOTICE_OUTCOMES,
        )
        self.look_time = maker.distribution(
            "alarm_look_seconds",
            "Time of a look at all that alarms are raised of",
            (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
        )
        self._shown: set[tuple[str, str]] = set()

    def show(self, raised: Mapping[tuple[str, str], int]) -> None:
        """By alarm and severity, those with 0 too; what is not named any more is 0."""
        for labels in self._shown | raised.keys():
            self._raised.labels(*labels).set(raised.get(labels, 0))
        self._shown |= raised.keys()
