"""Reads what operators write as text where the schema has a number: ``"5d"`` for seconds, ``"64MB"`` for octets.
A rate stays text; here it is seen whether it can be read.

Pure.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from angarium.config.error import KeyPath, Problem, path_text
from angarium.config.kinds import CONFIG, find_quantity
from angarium.config.quantity import find_rate, parse_duration_ms, parse_octets


def read_quantities(tree: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the tree with numbers for such texts, and what could not be read; that stays as it was."""
    problems: list[Problem] = []
    return _read(tree, CONFIG, (), problems), problems


def read_table(tree: Mapping[str, Any], table: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the tree of a file of ours, whose tables are these, in the same way. Raises ValueError."""
    problems: list[Problem] = []
    read: dict[str, Any] = _read(tree, msgspec.inspect.type_info(table), (), problems)
    if problems:
        raise ValueError(f"{path_text(problems[0].path)}: {problems[0].text}")
    return read


def _read(value: Any, kind: msgspec.inspect.Type, at: KeyPath, problems: list[Problem]) -> Any:
    match kind:
        case msgspec.inspect.StructType(fields=fields) if isinstance(value, Mapping):
            known = {field.encode_name: field.type for field in fields}
            return {
                key: _read(below, known[key], (*at, key), problems) if key in known else below
                for key, below in value.items()
            }
        case msgspec.inspect.VarTupleType(item_type=item) if isinstance(value, list):
            return [_read(each, item, (*at, index), problems) for index, each in enumerate(value)]
        case _ if isinstance(value, str):
            return _number(value, kind, at, problems)
        case _:
            return value


def _number(text: str, kind: msgspec.inspect.Type, at: KeyPath, problems: list[Problem]) -> Any:
    try:
        match find_quantity(kind):
            case "duration":
                return parse_duration_ms(text) / 1000
            case "size":
                return parse_octets(text)
            case "rate":
                find_rate(text)
                return text
            case None:
                return text
    except ValueError as error:
        problems.append(Problem(at, str(error)))
        return text
