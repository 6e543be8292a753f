"""Of which hours the lake is asked, as people and programs write it. Pure."""

from typing import Literal

from angarium.analytics.span import SpanError, read_span
from angarium.queue.model import UnixMs


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
