"""Whether data is what a template's variables say, and what is filled in where it is not given. Pure."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final

from angarium.templates.bundle import MAX_NAME_CHARACTERS, MAX_VARIABLES
from angarium.templates.plain_data import List, Map
from angarium.templates.rendering import Problem, ProblemKind
from angarium.templates.variables import Variable

MAX_DEPTH: Final = 10  # ours: of variables in variables
_ADDRESS: Final = re.compile(r"[^@\s\x00-\x1f<>\"]{1,64}@[^@\s\x00-\x1f<>\"]{1,255}")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x1f<>\"]+")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_ARTICLES: Final = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "an array",
    "object": "an object",
}


def fill_in(variables: Mapping[str, Variable], data: Map, *, strict: bool) -> Map | Problem:
    """Return the data with defaults where it lacks something, or what is wrong with it.

    ``strict``: what may be left out and is, is there and null, so that a strict template may ask for it.
    """
    return _object(variables, data, "", strict=strict)


def _object(
    variables: Mapping[str, Variable], data: Map, path: str, *, strict: bool
) -> Map | Problem:
    filled = Map(data)
    for name, variable in variables.items():
        place = f"{path}.{name}" if path else name
        if name in data:
            value = _checked(variable, data[name], place, strict=strict)
            if isinstance(value, Problem):
                return value
            filled[name] = value
        elif variable.default is not None:
            filled[name] = _owned(variable.default)
        elif variable.required:
            return Problem(
                kind=ProblemKind.MISSING_VARIABLE,
                variable=place,
                message=f"{place} is not given: the template needs it",
            )
        elif strict:
            filled[name] = None
    return filled


def _checked(variable: Variable, value: Any, path: str, *, strict: bool) -> Any:
    value = _of_type(variable, value)
    if value is None:
        return _wrong(path, f"is to be {_ARTICLES[variable.type]}")
    if variable.enum and value not in variable.enum:
        shown = ", ".join(str(each) for each in variable.enum)[:200]
        return _wrong(path, f"is none of {shown}")
    if variable.format and not _has_format(variable.format, value):
        return _wrong(path, f"is to be written as {variable.format}")
    if isinstance(value, Map) and variable.properties:
        return _object(variable.properties, value, path, strict=strict)
    if isinstance(value, List) and variable.items is not None:
        items = List()
        for index, each in enumerate(value):
            item = _checked(variable.items, each, f"{path}[{index}]", strict=strict)
            if isinstance(item, Problem):
                return item
            list.append(items, item)
        return items
    return value


def _of_type(variable: Variable, value: Any) -> Any:
    """Return the value; None: it is of another type. In a table all is text, so text that is a number is one."""
    match variable.type:
        case "string":
            return value if isinstance(value, str) else None
        case "boolean":
            if isinstance(value, str):
                return {"true": True, "false": False}.get(value.strip().lower())
            return value if isinstance(value, bool) else None
        case "number" | "integer":
            if isinstance(value, str) and len(value) <= 40 and _NUMBER.fullmatch(value.strip()):
                number = float(value)
                value = int(number) if re.fullmatch(r"-?[0-9]+", value.strip()) else number
            if isinstance(value, bool) or not isinstance(value, int | float):
                return None
            if variable.type == "integer" and value != value // 1:
                return None
            return int(value) if variable.type == "integer" else value
        case "array":
            return value if isinstance(value, List) else None
        case "object":
            return value if isinstance(value, Map) else None
        case "any":
            return value


def _has_format(name: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        match name:
            case "date":
                return len(value) == 10 and bool(dt.date.fromisoformat(value))
            case "time":
                return bool(dt.time.fromisoformat(value)) or True
            case "date-time":
                return "T" in value and bool(dt.datetime.fromisoformat(value))
            case "email":
                return _ADDRESS.fullmatch(value) is not None
            case _:
                return _URI.fullmatch(value) is not None
    except ValueError:
        return False


def _wrong(path: str, message: str) -> Problem:
    return Problem(kind=ProblemKind.WRONG_VARIABLE, variable=path, message=f"{path} {message}")


def _owned(value: Any) -> Any:
    """A default in our own types."""
    if isinstance(value, Mapping):
        return Map({name: _owned(each) for name, each in value.items() if each is not None})
    if isinstance(value, list | tuple):
        return List([_owned(each) for each in value])
    return value


def find_faults(variables: Mapping[str, Variable]) -> list[Problem]:
    """Return what is wrong with the variables themselves."""
    faults: list[Problem] = []
    if _examine(variables, "", 1, faults) > MAX_VARIABLES:
        faults.append(_wrong("variables", f"are more than {MAX_VARIABLES}: name fewer"))
    return faults


def _examine(
    variables: Mapping[str, Variable], path: str, depth: int, faults: list[Problem]
) -> int:
    """Return how many there are, and add what is wrong."""
    if depth > MAX_DEPTH:
        faults.append(_wrong(path, f"is more than {MAX_DEPTH} deep: make it flatter"))
        return 0
    count = 0
    for name, variable in variables.items():
        place = f"{path}.{name}" if path else name
        if not name or len(name) > MAX_NAME_CHARACTERS:
            faults.append(
                _wrong(place[:200], f"is to have a name of 1 to {MAX_NAME_CHARACTERS} characters")
            )
        count += 1 + _examine_one(variable, place, depth, faults)
    return count


def _examine_one(variable: Variable, path: str, depth: int, faults: list[Problem]) -> int:
    count = 0
    if variable.items is not None:
        if variable.type != "array":
            faults.append(_wrong(path, "has items, so its type is to be array"))
        count += _examine({"[]": variable.items}, path, depth + 1, faults)
    if variable.properties:
        if variable.type != "object":
            faults.append(_wrong(path, "has properties, so its type is to be object"))
        count += _examine(variable.properties, path, depth + 1, faults)
    if variable.format and variable.type not in ("string", "any"):
        faults.append(_wrong(path, "has a format, so its type is to be string"))
    for what, value in (("default", variable.default), *(("enum", each) for each in variable.enum)):
        if value is None:
            continue
        checked = _checked(
            Variable(type=variable.type, format=variable.format), _owned(value), path, strict=False
        )
        if isinstance(checked, Problem):
            faults.append(_wrong(path, f"has a {what} that it would refuse: {checked.message}"))
    if variable.enum and variable.default is not None and variable.default not in variable.enum:
        faults.append(_wrong(path, "has a default that is not in its enum"))
    return count


def names(variables: Mapping[str, Variable], prefix: str = "") -> set[str]:
    """Return all of them with their paths: ``order``, ``order.total``. What is in arrays is left out."""
    found = set()
    for name, variable in variables.items():
        found.add(prefix + name)
        found |= names(variable.properties, f"{prefix}{name}.")
    return found
