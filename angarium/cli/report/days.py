"""Days (UTC) as commands take and show them."""

from datetime import date

import click

from angarium.analytics.counters import DAY_MS, day_number
from angarium.queue.wall_clock import wall_clock


class Day(click.ParamType[int]):
    """``2026-07-01``, ``today`` or ``yesterday``, in UTC. Converts to days since 1970."""

    name = "day"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        text = str(value).strip()
        today = wall_clock() // DAY_MS
        if text in ("today", "yesterday"):
            return today if text == "today" else today - 1
        try:
            return day_number(date.fromisoformat(text))
        except ValueError:
            self.fail(f"{text!r} is no day; write 2026-07-01, today or yesterday", param, ctx)
