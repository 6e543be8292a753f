"""What a translated mustache does while it is rendered: truth, equality and text as JavaScript has them. Pure.

Names begin with ``m_``, so that none is in the way of an author's.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from minijinja import pass_state, safe
from minijinja._lowlevel import State

from angarium.templates.filters.fault import FilterError, MissingError
from angarium.templates.mustache.moment_tokens import format_date
from angarium.templates.plain_data import Asked, List, Map

# As JavaScript writes them without an exponent
_WHOLE_BELOW: Final = 1e21


def as_text(value: Any) -> str:
    """Return what stands in the mail for a value."""
    if value is None or isinstance(value, Asked):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isfinite(value) and value == int(value) and abs(value) < _WHOLE_BELOW:
            return str(int(value))
        return repr(value)
    if isinstance(value, list | tuple):
        return ",".join(as_text(each) for each in value)
    return "[object Object]" if isinstance(value, Mapping) else str(value)


def is_true(value: Any, include_zero: Any = False) -> bool:
    """Whether ``#if`` takes it for so: not false, null, nought, "" nor []. An empty object is true."""
    if isinstance(value, Mapping):
        return True
    if include_zero and type(value) in (int, float) and value == 0:
        return True
    return bool(value) and value == value  # NaN is not true


def is_there(value: Any) -> bool:
    """Whether a section of Postmark's takes it for so: an empty object is not."""
    return bool(value)


def _raw(value: Any) -> str:
    """Three braces: the author says that it is HTML."""
    return safe(as_text(value))


def _not(value: Any) -> bool:
    return not is_true(value)


def _and(first: Any, *others: Any) -> Any:
    for each in (first, *others):
        if not is_true(each):
            return each
    return (first, *others)[-1]


def _or(first: Any, *others: Any) -> Any:
    for each in (first, *others):
        if is_true(each):
            return each
    return (first, *others)[-1]


def _or_if_missing(value: Any, other: Any) -> Any:
    return other if value is None or value == "" or isinstance(value, Asked) else value


def _equals(one: Any, other: Any) -> bool:
    """As ``==``, which takes 3 and "3" for equal."""
    if isinstance(one, bool) or isinstance(other, bool):
        one, other = _as_number(one), _as_number(other)
    elif isinstance(one, str) != isinstance(other, str):
        if one is None or other is None:
            return False
        if isinstance(one, int | float) or isinstance(other, int | float):
            one, other = _as_number(one), _as_number(other)
        else:
            one, other = as_text(one), as_text(other)
    return bool(one == other)


def _equal_as_text(one: Any, other: Any) -> bool:
    return as_text(one) == as_text(other)


def _as_number(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, int | float):
        return float(value)
    text = as_text(value).strip()
    if not text:
        return 0.0
    try:
        return float(text) if len(text) < 400 and "_" not in text else math.nan
    except ValueError:
        return math.nan


def _is_less(one: Any, other: Any, or_equal: bool = False) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one < other or (or_equal and one == other)
    first, second = _as_number(one), _as_number(other)
    return first < second or (or_equal and first == second)


def _length(value: Any) -> int:
    """Of a text or an array; 0 of anything else."""
    return len(value) if isinstance(value, str | list | tuple) else 0


def _member(value: Any, name: Any) -> Any:
    """What is behind a name or an index; ``length`` of what has one."""
    if isinstance(value, Mapping):
        found = value[name] if isinstance(name, str) and name in value else None
        return value[str(name)] if found is None and str(name) in value else found
    if name == "length" and isinstance(value, str | list | tuple):
        return len(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        number = int(name) if isinstance(name, str) and name.isdecimal() and len(name) < 9 else name
        if isinstance(number, int) and 0 <= number < len(value):
            return value[number]
    return None


def _each(value: Any) -> list[tuple[Any, int, Any, bool]]:
    """Return of each item: itself, its index, its key, whether it is the last one."""
    if isinstance(value, Mapping):
        pairs: list[tuple[Any, Any]] = [(key, value[key]) for key in value]
    elif isinstance(value, list | tuple):
        pairs = list(enumerate(value))
    else:
        return []
    last = len(pairs) - 1
    return [(item, index, key, index == last) for index, (key, item) in enumerate(pairs)]


def _section(value: Any, here: Any) -> list[tuple[Any, int, Any, bool]]:
    """Return what a section is filled with: each item of an array, else once what it names, else nothing."""
    if isinstance(value, list | tuple):
        return _each(value)
    if not is_true(value):
        return []
    return [(here if value is True else value, 0, 0, True)]


def _with(here: Any, words: Any) -> Any:
    """What a partial sees that was given words of its own."""
    return Map({**(here if isinstance(here, dict) else {}), **words})


def _insert(value: Any, other: Any = "") -> Any:
    """SendGrid's: what is there, or what is written for when it is not; that may begin with ``default=``."""
    if isinstance(other, str):
        other = other.removeprefix("default=")
    return _or_if_missing(value, other)


def _format_date(value: Any, pattern: Any = None, offset: Any = None) -> str:
    return format_date(value, pattern, offset)


@pass_state
def _given(_: State, value: Any, name: str = "", line: int = 0, column: int = 0) -> Any:
    """What SES's templates write; raises MissingError where it is not there."""
    if value is None or isinstance(value, Asked):
        raise MissingError(name, line, column)
    return value


def _indented(text: Any, indent: str) -> str:
    """What a partial comes to, as Handlebars indents it: each line, but for what is behind the last line's end."""
    lines = str(text).split("\n")
    last = len(lines) - 1
    return safe(
        "\n".join(
            line if at == last and not line else indent + line for at, line in enumerate(lines)
        )
    )


def _list_of(value: Any) -> Any:
    """Postmark's: what is not an array cannot be gone through."""
    if value is None or isinstance(value, list | tuple | Asked) or not value:
        return _each(value if isinstance(value, list | tuple) else List())
    raise FilterError("this is gone through with each, and is no array in the data")


# Where missing variables are empty, whatever the template says
LENIENT: Final[dict[str, Callable[..., Any]]] = {"m_given": lambda value, *_: value}
HELPERS: Final[dict[str, Callable[..., Any]]] = {
    "m_true": is_true,
    "m_there": is_there,
    "m_raw": _raw,
    "m_not": _not,
    "m_and": _and,
    "m_or": _or,
    "m_else": _or_if_missing,
    "m_equals": _equals,
    "m_not_equals": lambda one, other: not _equals(one, other),
    "m_equal": _equal_as_text,
    "m_less": _is_less,
    "m_greater": lambda one, other, or_equal=False: _is_less(other, one, or_equal),
    "m_length": _length,
    "m_member": _member,
    "m_each": _each,
    "m_list": _list_of,
    "m_section": _section,
    "m_with": _with,
    "m_insert": _insert,
    "m_date": _format_date,
    "m_given": _given,
    "m_indent": _indented,
}
