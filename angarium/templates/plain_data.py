"""Data as a template gets it: read, and never changed nor called. Pure.

The engine lets a template ask a Python object for its attributes, too, where it has no such item, and call them. So a
template gets types that have nothing to offer but what is in them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

MAX_DEPTH: Final = 50  # ours: nobody's data is deeper
_SCALARS: Final = frozenset({str, bool, float})
MAX_INTEGER: Final = 1 << 63  # the engine's; a larger number is a text


class DataError(ValueError):
    """What cannot be given to a template. ``path`` is where it stands."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self._steps: list[str] = []  # the innermost first

    @property
    def path(self) -> str:
        return "".join(reversed(self._steps)).removeprefix(".")

    def within(self, step: str) -> "DataError":
        """Return it with one more step in front of its path: ``.name`` or ``[2]``."""
        self._steps.append(step)
        return self


class _Absent:
    """An attribute that Python's own type has, and ours does not."""

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        raise AttributeError


class Asked:
    """A method of a map, where the map may have a key of this name and has none: it is empty, unless it is called."""

    __slots__ = ("_map",)

    def __init__(self, asked: "Map") -> None:
        self._map = asked

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __str__(self) -> str:
        return ""


class _Items(Asked):
    def __call__(self) -> "List":
        return List(dict.items(self._map))


class _Keys(Asked):
    def __call__(self) -> "List":
        return List(self._map)


class _Values(Asked):
    def __call__(self) -> "List":
        return List(dict.values(self._map))


class _Get(Asked):
    def __call__(self, key: Any, other: Any = None) -> Any:
        return dict.get(self._map, key, other)


class Map(dict[str, Any]):
    """Names with their values."""

    # The engine asks each map for its items: properties that call a class are quick
    __slots__ = ()
    clear = copy = fromkeys = pop = popitem = setdefault = update = _Absent()
    items = property(_Items)
    keys = property(_Keys)
    values = property(_Values)
    get = property(_Get)


class List(list[Any]):
    """Values in their order."""

    __slots__ = ()
    append = clear = copy = count = extend = index = _Absent()
    insert = pop = remove = reverse = sort = _Absent()


def plain(data: Mapping[str, Any]) -> Map:
    """Return it with our own types throughout. What is ``None`` is left out of maps: null is as good as not given.

    Raises DataError for what JSON does not have, and for data that is too deep.
    """
    return _map(data, 0)


def _map(data: Mapping[Any, Any], depth: int) -> Map:
    if depth > MAX_DEPTH:
        raise DataError(f"is nested deeper than {MAX_DEPTH}: make it flatter")
    found = Map(data)
    for name, value in data.items():
        kind = type(value)
        if kind in _SCALARS:
            continue
        if value is None:
            del found[name]
            continue
        try:
            found[name] = _value(value, kind, depth)
        except DataError as error:
            raise error.within(f".{name}") from None
    return found


def _value(value: Any, kind: type, depth: int) -> Any:
    if kind is int:
        return value if -MAX_INTEGER <= value < MAX_INTEGER else str(value)
    if kind is dict:
        return _map(value, depth + 1)
    if isinstance(value, list | tuple):
        return _list(value, depth)
    if kind in _SCALARS or value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return value if -MAX_INTEGER <= value < MAX_INTEGER else str(value)
    if isinstance(value, Mapping):
        return _map(value, depth + 1)
    raise DataError(f"is a {kind.__name__}: give what JSON can hold")


def _list(data: Sequence[Any], depth: int) -> List:
    if depth >= MAX_DEPTH:
        raise DataError(f"is nested deeper than {MAX_DEPTH}: make it flatter")
    found = List(data)
    for index, value in enumerate(data):
        kind = type(value)
        if kind in _SCALARS:
            continue
        try:
            found[index] = _value(value, kind, depth + 1)
        except DataError as error:
            raise error.within(f"[{index}]") from None
    return found


def has_whole_floats(data: Map) -> bool:
    """Whether some number in it is one like 3.0."""
    left: list[Map | List] = [data]
    while left:
        each = left.pop()
        for value in dict.values(each) if isinstance(each, Map) else each:
            kind = type(value)
            if kind is str:
                continue
            if kind is float:
                if value.is_integer():
                    return True
            elif kind is Map or kind is List:
                left.append(value)
    return False
