"""The helpers that vendors' mustaches have, and what stands for each in the engine's language. Pure."""

from typing import Final

import msgspec

MANY: Final = 50


class Helper(msgspec.Struct, frozen=True, kw_only=True):
    """A helper that gives a value. Its first argument is filtered, the others are given to the filter."""

    filter: str
    least: int = 2  # arguments
    most: int = 2
    more: tuple[str, ...] = ()  # arguments of ours, behind its own


_OR_EQUAL: Final = ("true",)
VALUES: Final[dict[str, Helper]] = {
    "equals": Helper(filter="m_equals"),
    "eq": Helper(filter="m_equals"),
    "notEquals": Helper(filter="m_not_equals"),
    "notequals": Helper(filter="m_not_equals"),
    "ne": Helper(filter="m_not_equals"),
    "equal": Helper(filter="m_equal"),
    "greaterThan": Helper(filter="m_greater"),
    "gt": Helper(filter="m_greater"),
    "gte": Helper(filter="m_greater", more=_OR_EQUAL),
    "lessThan": Helper(filter="m_less"),
    "lt": Helper(filter="m_less"),
    "lte": Helper(filter="m_less", more=_OR_EQUAL),
    "and": Helper(filter="m_and", least=1, most=MANY),
    "or": Helper(filter="m_or", least=1, most=MANY),
    "not": Helper(filter="m_not", least=1, most=1),
    "length": Helper(filter="m_length", least=1, most=1),
    "insert": Helper(filter="m_insert", least=1),
    "formatDate": Helper(filter="m_date", most=3),
    "lookup": Helper(filter="m_member"),
}
# Those that may stand for a condition: {{#equals a b}}
CONDITIONS: Final = frozenset(VALUES) - {"length", "insert", "formatDate", "lookup"}
BLOCKS: Final = frozenset({"if", "unless", "each", "with"}) | CONDITIONS
KNOWN: Final = ", ".join(sorted(BLOCKS | set(VALUES)))
