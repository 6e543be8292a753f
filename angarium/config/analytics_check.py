"""Checks what types cannot say of ``[analytics]``."""

from collections.abc import Iterator

from angarium.config.error import Problem
from angarium.config.schema import Config


def analytics_problems(config: Config) -> Iterator[Problem]:
    kept = config.analytics
    if kept.keep_minutes_days > kept.keep_days:
        text = f"minutes would be kept longer than hours (keep_days, {kept.keep_days}); lower it"
        yield Problem(("analytics", "keep_minutes_days"), text)
    if kept.keep_daily_days < kept.keep_days:
        text = f"days would be kept shorter than hours (keep_days, {kept.keep_days}); raise it"
        yield Problem(("analytics", "keep_daily_days"), text)
