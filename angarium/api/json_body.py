"""JSON that a client sent, read as a struct: strictly, and with errors that name the field as we name it. Pure.

More than msgspec asks: bounded depth, no name twice in an object, and empty values of optional fields are as absent,
since programs send null, "", [] and {} for what they do not mean.
"""

import difflib
import functools
import json
import re
from collections.abc import Hashable, Iterable
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from angarium.intake.order import Fault, FaultError, FaultKind

T = TypeVar("T")
DEPTH: Final = 64  # ours: no message nests deeper
BODY: Final = "body"  # the field's name where the JSON itself is wrong
_BOM: Final = b"\xef\xbb\xbf"  # RFC 8259 section 8.1: may be ignored
_CONTAINERS: Final = (dict, list)
_ERROR: Final = re.compile(r"(.*?)(?: - at (?:`key` in )?`\$(.*)`)?", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(.*)`")
_EXTRA: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_WRONG: Final = re.compile(r"Expected `(.*?)`(?:, got `(.*)`|(.*))")
_CONSTRAINTS: Final = (
    ("length <=", "max_length"),
    ("length >=", "min_length"),
    ("<=", "maximum"),
    (">=", "minimum"),
    ("matching regex", "pattern"),
    ("base64", "base64"),
    ("enum value", "enum"),
    ("RFC3339", "format"),
)
_WORDS: Final = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
}
_LEAST, _MOST = -(2**63), 2**64 - 1
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})


def decode_json(octets: bytes, kind: type[T], *, depth: int = DEPTH) -> T:
    """Return the value. Raises FaultError with the field: ``to[1]``, ``headers.X-A``, ``attachments[0].content``."""
    octets = octets.removeprefix(_BOM)
    if not octets.strip():
        raise _malformed("it is empty, and should be JSON")
    try:
        found = _decoder(_hashable(kind)).decode(octets)
    except msgspec.ValidationError:
        return _decode_again(octets, kind, depth)
    except msgspec.DecodeError as error:
        raise _malformed(str(error)) from None
    except RecursionError:
        raise _too_deep(depth) from None
    except UnicodeDecodeError:
        raise _malformed("it is not JSON in UTF-8") from None
    _load(octets, depth)
    return found  # type: ignore[no-any-return]


def decode_item(octets: msgspec.Raw, kind: type[T]) -> T:
    """The same of a part of what has been read as ``msgspec.Raw``: the whole has been looked at."""
    try:
        return _decoder(_hashable(kind)).decode(octets)  # type: ignore[no-any-return]
    except msgspec.ValidationError:
        return _decode_again(bytes(octets), kind, DEPTH)


def _hashable(kind: Any) -> Hashable:
    return kind  # type: ignore[no-any-return]  # as types are


@functools.lru_cache(maxsize=256)  # of types: there are some dozens
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _load(octets: bytes, depth: int) -> Any:
    """Return it untyped. Raises FaultError for what is too deep, and for a name that an object has twice: nobody knows
    which one counts.
    """
    try:
        found = json.loads(
            octets.decode(), object_pairs_hook=_unique, parse_int=_integer, parse_float=_float
        )
    except RecursionError:
        raise _too_deep(depth) from None
    except ValueError:
        raise _malformed("it is not JSON in UTF-8") from None
    if _is_deeper(found, depth):
        raise _too_deep(depth)
    return found


def _is_deeper(value: Any, depth: int) -> bool:
    """Level by level, since recursion is what is to be kept within bounds."""
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(depth):
        if not level:
            return False
        level = [
            inner
            for each in level
            for inner in (each.values() if type(each) is dict else each)
            if type(inner) in _CONTAINERS
        ]
    return bool(level)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        text = f"Field given twice in one object: {twice[:100]}"
        fault = Fault(
            kind=FaultKind.MALFORMED, message=text, field=twice[:100], constraint="unique"
        )
        raise FaultError(fault)
    return found


def _integer(text: str) -> int:
    """As msgspec has them, which writes no others."""
    found = int(text) if len(text) <= 20 else _LEAST - 1
    if not _LEAST <= found <= _MOST:
        raise _malformed("it has a number that is out of range")
    return found


def _float(text: str) -> float:
    found = float(text)
    if found - found != 0:  # infinite
        raise _malformed("it has a number that is out of range")
    return found


def _decode_again(octets: bytes, kind: type[T], depth: int) -> T:
    """Without what is empty; what is wrong then is wrong."""
    loaded = _without_empty(_load(octets, depth), _info(_hashable(kind)))
    try:
        return msgspec.convert(loaded, kind)
    except UnicodeError:
        raise _malformed("it has half of a surrogate pair") from None
    except msgspec.ValidationError as error:
        raise FaultError(_fault(str(error), loaded, kind)) from None


@functools.lru_cache(maxsize=256)
def _info(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _without_empty(value: Any, info: inspect.Type) -> Any:
    """Return the value without members of structs that are empty, but of a required one null alone is: a file may be.

    What mappings have is theirs: metadata may have any.
    """
    if isinstance(info, inspect.UnionType):
        for each in info.types:
            value = _without_empty(value, each)
    elif isinstance(info, inspect.StructType) and isinstance(value, dict):
        fields = {each.encode_name: each.type for each in info.fields}
        needed = {each.encode_name for each in info.fields if each.required}
        value = {
            name: _without_empty(each, fields[name]) if name in fields else each
            for name, each in value.items()
            if name not in fields or not _is_absent(each, name in needed)
        }
    elif isinstance(info, inspect.ListType | inspect.VarTupleType) and isinstance(value, list):
        value = [_without_empty(each, info.item_type) for each in value]
    elif isinstance(info, inspect.DictType) and isinstance(value, dict):
        value = {name: _without_empty(each, info.value_type) for name, each in value.items()}
    return value


def _is_absent(value: Any, is_needed: bool) -> bool:
    return value is None or (
        not is_needed and value in _EMPTY and value is not False and value != 0
    )


def _fault(error: str, loaded: Any, kind: type) -> Fault:
    """Say it in our words: msgspec's name a Python type, and no key of a mapping."""
    found = _ERROR.fullmatch(error)
    assert found is not None  # it takes any text
    reason, path = found[1], found[2] or ""
    while "[...]" in path:
        path = path.replace("[...]", f".{_wrong_key(path, loaded, kind, error)}", 1)
    field = path.removeprefix(".")
    if missing := _MISSING.fullmatch(reason):
        name = f"{field}.{missing[1]}".removeprefix(".")
        text = f"Missing required field: {name}"
        return Fault(kind=FaultKind.MISSING, message=text, field=name, constraint="required")
    if extra := _EXTRA.fullmatch(reason):
        name = f"{field}.{extra[1][:100]}".removeprefix(".")
        near = difflib.get_close_matches(extra[1][:100], _names(kind), n=1)
        hint = f" (is {near[0]} meant?)" if near else ""
        text = f"Unknown field: {name}{hint}"
        return Fault(kind=FaultKind.UNKNOWN_FIELD, message=text, field=name, constraint="unknown")
    constraint = next((word for mark, word in _CONSTRAINTS if mark in reason), "type")
    field = field or BODY
    message = f"{field}: {_in_words(reason)}"
    return Fault(kind=FaultKind.INVALID, message=message, field=field, constraint=constraint)


def _in_words(reason: str) -> str:
    found = _WRONG.fullmatch(reason)
    if found is None:
        return reason[:1].lower() + reason[1:200]
    names = [_WORDS.get(each, f"an {each}") for each in found[1].split(" | ") if each != "null"]
    if found[2] is None:
        return f"expected {' or '.join(names)}{found[3]}"
    return f"expected {' or '.join(names)}, got {_WORDS.get(found[2], found[2])}"


def _wrong_key(path: str, loaded: Any, kind: type, error: str) -> str:
    """Return which member of the mapping before the first ``[...]`` is wrong: the one without which there is no error.

    By halves: each look converts all once.
    """
    before = path[: path.index("[...]")]
    steps: list[str | int] = [
        int(index) if index else name
        for name, index in re.findall(r"\.([^.\[]+)|\[(\d+)\]", before)
    ]
    keys = list(_at(loaded, steps))
    while len(keys) > 1:
        half = keys[: len(keys) // 2]
        keys = half if _is_wrong(loaded, steps, half, kind, error) else keys[len(half) :]
    return keys[0][:100] if keys else "?"


def _at(value: Any, steps: Iterable[str | int]) -> Any:
    for step in steps:
        value = value[step]
    return value


def _is_wrong(
    loaded: Any, steps: list[str | int], keys: Iterable[str], kind: type, error: str
) -> bool:
    try:
        msgspec.convert(_with_keys(loaded, steps, keys), kind)
    except msgspec.ValidationError as other:
        return str(other) == error
    except UnicodeError:
        return False
    return False


def _with_keys(value: Any, steps: list[str | int], keys: Iterable[str]) -> Any:
    """Return a copy whose mapping at the end of the steps has these keys alone."""
    if not steps:
        return {key: value[key] for key in keys}
    step, *rest = steps
    changed = value.copy()
    changed[step] = _with_keys(value[step], rest, keys)
    return changed


@functools.lru_cache(maxsize=256)
def _names(kind: Any) -> tuple[str, ...]:
    """Return the names of fields that a struct and those inside it have."""
    found: dict[str, None] = {}
    seen: set[type] = set()

    def walk(info: Any) -> None:
        if isinstance(info, inspect.StructType):
            if info.cls in seen:
                return
            seen.add(info.cls)
            for field in info.fields:
                found[field.encode_name] = None
                walk(field.type)
        for inner in (getattr(info, "item_type", None), getattr(info, "value_type", None)):
            if inner is not None:
                walk(inner)
        for inner in getattr(info, "types", ()):
            walk(inner)

    walk(_info(kind))
    return tuple(found)


def _too_deep(depth: int) -> FaultError:
    return _malformed(f"it nests deeper than {depth}")


def _malformed(reason: str) -> FaultError:
    text = f"The body cannot be read: {reason}"
    return FaultError(Fault(kind=FaultKind.MALFORMED, message=text, field=BODY, constraint="json"))
