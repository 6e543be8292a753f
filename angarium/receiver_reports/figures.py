"""What a provider says of our domains and addresses, as values by day. Plain values."""

from typing import Literal

import msgspec

Source = Literal["google", "microsoft"]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number, or one word, of one day. docs/receiver-reports.md says what each name means."""

    provider: Source
    subject: str  # a domain, or an address
    day: int  # since 1970, UTC
    name: str  # spam_rate, filter_result, ...
    value: float | None = None
    word: str = ""  # where it is no number
