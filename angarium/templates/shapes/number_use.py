"""Whether a source makes numbers that are not whole, or look so: arithmetic, and filters that may. Pure.

The engine gives 3.0 away as 3, and writes it as 3.0.
"""

from typing import Final

from angarium.templates.filters.table import FILTERS
from angarium.templates.tags import Tag, filters, tags

_ARITHMETIC: Final = frozenset("+-*/%")
# Of the engine's own: these give texts, whole numbers, or what they were given
_FILTERS: Final = FILTERS.keys() | {
    *("upper", "lower", "title", "capitalize", "trim", "truncate", "wordwrap", "replace", "join"),
    *("length", "count", "first", "last", "sort", "reverse", "unique", "items", "dictsort", "list"),
    *("default", "d", "escape", "e", "safe", "urlencode", "striptags", "string", "int", "lines"),
    *("split", "indent", "batch", "slice", "groupby", "nl2br", "center", "select", "reject"),
    *("selectattr", "rejectattr", "tojson", "min", "max", "filesizeformat"),
}


def makes_floats(source: str) -> bool:
    """Whether it may."""
    return any(each.text not in _FILTERS for each in filters(source)) or any(
        _has_arithmetic(each) for each in tags(source)
    )


def _has_arithmetic(tag: Tag) -> bool:
    # At the ends, they take spaces away
    inner = tag.tokens[:1] if len(tag.tokens) == 1 else tag.tokens[1:-1]
    return any(each.text in _ARITHMETIC for each in inner) or any(
        each.text[0].isdecimal() and not each.text.isdecimal() for each in tag.tokens
    )
