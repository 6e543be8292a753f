"""What a key may say, and what was found there, in words: msgspec speaks of types, operators write texts and numbers.

Pure.
"""

from typing import Any, Final

import msgspec

from angarium.config.kinds import bare_kind, find_quantity
from angarium.config.quantity import (
    DURATION_EXAMPLES,
    RATE_EXAMPLES,
    SIZE_EXAMPLES,
    duration_text,
    size_text,
)

_NO_BOUND: Final = 2**48  # of counts: against overflow, not of interest
MAX_FOUND: Final = 60  # characters of a value that are repeated


def expected_text(kind: msgspec.inspect.Type) -> str:
    """``a whole number from 1 to 256``, ``text in quotes``, ..."""
    quantity, bare = find_quantity(kind), bare_kind(kind)
    match bare:
        case msgspec.inspect.FloatType() if quantity == "duration":
            range_ = _range(bare, lambda number: f'"{duration_text(number)}"')
            return f'a duration{range_}: "{DURATION_EXAMPLES}" in quotes, or a number of seconds'
        case msgspec.inspect.IntType() if quantity == "size":
            range_ = _range(bare, lambda number: f'"{size_text(int(number))}"')
            return f'a size{range_}: "{SIZE_EXAMPLES}" in quotes, or a number of octets'
        case msgspec.inspect.StrType() if quantity == "rate":
            return f'a rate: "{RATE_EXAMPLES}" in quotes, or "unlimited"'
        case msgspec.inspect.IntType():
            return f"a whole number{_range(bare, str)}"
        case msgspec.inspect.FloatType():
            return f"a number{_range(bare, str)}"
        case msgspec.inspect.BoolType():
            return "true or false, without quotes"
        case msgspec.inspect.StrType(max_length=int() as most):
            return f"text in quotes, of 1 to {most} characters"
        case msgspec.inspect.LiteralType(values=values):
            return "one of " + ", ".join(f'"{each}"' for each in values)
        case msgspec.inspect.VarTupleType(item_type=msgspec.inspect.StructType()):
            return "several tables in brackets: [{ ... }, { ... }]"
        case msgspec.inspect.VarTupleType():
            return "a list in brackets: [...]"
        case msgspec.inspect.StructType():
            return "a table of keys"
        case _:
            return "text in quotes"


def found_text(value: Any) -> str:
    """``the text "2"``, ``the number 5``, ``true``, ``a list``: as it stands in the file."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'the text "{_short(value)}"'
        case int() | float():
            return f"the number {value}"
        case list() | tuple():
            return "a list"
        case dict():
            return "a table"
        case _:  # TOML's dates and times
            return f"a date or time, {value}"


def _short(text: str) -> str:
    escaped = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return escaped if len(escaped) <= MAX_FOUND else f"{escaped[:MAX_FOUND]}..."


def _range(kind: Any, text: Any) -> str:
    low = kind.ge if kind.ge is not None else kind.gt
    high = kind.le if kind.le is not None else kind.lt
    if high is not None and high >= _NO_BOUND:
        high = None
    above = "above" if kind.ge is None else "from"
    below = "below" if kind.le is None else "to"
    match (low, high):
        case (None, None):
            return ""
        case (_, None):
            return f" {above} {text(low)}" + (" on" if kind.ge is not None else "")
        case (None, _):
            return f" {below} {text(high)}"
        case _:
            return f" {above} {text(low)} {below} {text(high)}"
