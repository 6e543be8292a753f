"""Points of time as people write them. Pure."""

from collections.abc import Callable
from datetime import UTC, datetime

import click

from angarium.cli.duration import Duration


class Moment(click.ParamType[int]):
    """``2h`` ago, ``2026-07-01``, ``2026-07-01T10:30``; UTC unless a zone is written. Converts to Unix milliseconds."""

    name = "moment"

    def __init__(self, clock: Callable[[], int]) -> None:
        """``clock``: Unix milliseconds."""
        self._clock = clock

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        text = str(value).strip()
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            try:
                return self._clock() - Duration().convert(text, param, ctx)
            except click.BadParameter:
                hint = "write 90s, 2h, 3d (ago), 2026-07-01 or 2026-07-01T10:30Z"
                self.fail(f"{value!r} is no point of time; {hint}", param, ctx)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
