"""What a check found."""

from typing import Literal, NamedTuple

Verdict = Literal["ok", "warn", "fail"]


class Finding(NamedTuple):
    name: str
    verdict: Verdict
    text: str  # and what to do, unless it is ok
