"""What came of telling a notice. Plain values."""

import msgspec


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    problem: str = ""  # "": it was told
    retry_after_s: float = 0.0  # what who is told asks for
