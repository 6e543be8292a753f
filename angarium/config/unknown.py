"""Finds keys that the schema does not have, all of them, and the known key that each was probably meant to be.

Pure.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from angarium.config.error import KeyPath, Problem
from angarium.config.kinds import CONFIG


def find_unknown_keys(tree: Mapping[str, Any]) -> list[Problem]:
    return list(_unknown_in(tree, CONFIG, ()))


def _unknown_in(value: Any, kind: msgspec.inspect.Type, path: KeyPath) -> Iterator[Problem]:
    match kind:
        case msgspec.inspect.StructType(fields=fields) if isinstance(value, Mapping):
            known = {field.encode_name: field.type for field in fields}
            for key, below in value.items():
                if key in known:
                    yield from _unknown_in(below, known[key], (*path, key))
                else:
                    yield Problem((*path, key), _advice(key, list(known), path))
        case msgspec.inspect.VarTupleType(item_type=item) if isinstance(value, list):
            for index, below in enumerate(value):
                yield from _unknown_in(below, item, (*path, index))
        case _:
            pass  # a value of a simple type, or of the wrong one: msgspec says so


def _advice(key: str, known: list[str], path: KeyPath) -> str:
    table = ".".join(part for part in path if isinstance(part, str))
    where = f"table [{table}]" if table else "the top level of the file"
    elsewhere = [other for other, keys in _TABLES.items() if key in keys]
    # A key of another table is meant, but for a slip of one letter or two
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.85 if elsewhere else 0.5)
    if near:
        return f"unknown key in {where}; did you mean {near[0]!r}?"
    if elsewhere:
        return f"unknown key in {where}; it belongs into {' or '.join(elsewhere)}"
    return f"unknown key in {where}; known there: {', '.join(sorted(known))}"


def _tables(kind: msgspec.inspect.Type, heading: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the heading of each table, as it is written, with its keys."""
    many = isinstance(kind, msgspec.inspect.VarTupleType)
    kind = kind.item_type if isinstance(kind, msgspec.inspect.VarTupleType) else kind
    if not isinstance(kind, msgspec.inspect.StructType):
        return
    if heading:
        written = f"[[{heading}]]" if many else f"[{heading}]"
        yield written, frozenset(each.encode_name for each in kind.fields)
    for each in kind.fields:
        yield from _tables(each.type, f"{heading}.{each.encode_name}".lstrip("."))


_TABLES: Final = dict(_tables(CONFIG, ""))
