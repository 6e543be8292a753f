"""Of which hours the lake is asked, as people and programs write it. Pure."""

from collections.abc import Iterable
from typing import Literal

from angarium.analytics.span import SpanError, read_span
from angarium.lake.model import HOUR_MS, LakeFile
from angarium.queue.model import UnixMs

Ends = tuple[int | None, int | None]


class StretchError(ValueError):
    def __init__(self, field: Literal["from", "to"], text: str) -> None:
        super().__init__(text)
        self.field = field


def read_stretch(first: str, to: str, now: UnixMs) -> tuple[int | None, int | None]:
    """Return the first hour and that behind the last one, since 1970; None: there is no bound. Raises StretchError."""
    if not first and not to:
        return None, None
    if not first:
        raise StretchError("from", "from: is needed with `to`")
    try:
        span = read_span(first, to, now, resolution="hour")
    except SpanError as error:
        field: Literal["from", "to"] = "to" if error.field == "to" else "from"
        raise StretchError(field, str(error)) from None
    return span.first, span.end


def ends_within(files: Iterable[LakeFile], first_hour: int | None, end_hour: int | None) -> Ends:
    """Return from which Unix ms on and before which rows are to be looked at; None: no file has others on that side."""
    first = end = None
    for each in files:
        if first_hour is not None and each.hour < first_hour:
            first = first_hour * HOUR_MS
        if end_hour is not None and each.hour + each.hours > end_hour:
            end = end_hour * HOUR_MS
    return first, end
