"""What programs ask of the lake, and are told, in our own dialect. Plain values.

The comments here are the fields' documentation, which the API's reference is made of.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from angarium.api.native.wire import Asked, Wire
from angarium.lake.asking.answering import MAX_SQL

_When = Annotated[str, Meta(max_length=40)]


class LakeQueryAsked(Asked, frozen=True, kw_only=True):
    """One SELECT in DuckDB's SQL over the view ``events``, which has a row for each event of the tenant."""

    sql: Annotated[str, Meta(min_length=1, max_length=MAX_SQL)]
    # the first hour that is looked at: 2026-07-01, or 2026-07-01T10:00:00Z; omitted: the oldest
    first: _When = msgspec.field(name="from", default="")
    # up to then: of a date to the end of that day, of a time to the end of its hour; omitted: now
    to: _When = ""
    tenant: str = ""  # omitted: the caller's own


class LakeColumn(Wire, frozen=True, kw_only=True):
    """A column of an answer."""

    name: str
    type: str  # of DuckDB


class LakeAnswer(Wire, frozen=True, kw_only=True):
    """What the SELECT comes to."""

    columns: Sequence[LakeColumn]
    rows: Sequence[Sequence[Any]]  # values in the order of the columns; times are UTC
    truncated: bool  # there are more rows than lake.query_rows, or lake.query_octets of them
    took_ms: int
