"""Writes docs/configuration.md from the comments of ``schema`` and its parts: the schema is its own documentation.

``python -m angarium.config.reference docs/configuration.md``
"""

import ast
import io
import sys
import tokenize
from pathlib import Path
from typing import get_args

import msgspec

from angarium.config import schema
from angarium.config.alarms import NotifyKind, Severity
from angarium.config.quantity import duration_text, size_text

_SOURCES = ("schema.py", "alarms.py", "lake.py", "retention.py", "summaries.py", "tracing.py")
_HEADER = """# Configuration

`angarium.toml`, made from `angarium/config/schema.py`. Every key is optional but those marked *required*; an unknown
key is an error that names the nearest known one. Paths are relative to the file. `postmaster check` says what is wrong
with a file, and what to do. `[[name]]` may be written several times.

A duration is text with units, `"90s"`, `"20m"`, `"1h30m"`, `"5d"`, `"500ms"`, or a number of seconds; a size is text,
`"64MB"` (of 1,000), `"256MiB"` (of 1,024), or a number of octets; a rate is text, `"100/s"`, `"10/min"`, `"500/h"`,
`"2000/d"`, or `"unlimited"`. A rate is spread evenly; `"2000/d burst 50"` lets 50 through at once after a pause, and
without that word it is a tenth of a second's worth, one at least.

A reload (SIGHUP) reads the file again and refuses a broken one. Routes, providers, sources and most of `[delivery]`
change in place, under running sessions; some keys need new processes of a role, and `[server]`, `[queue]` and the
listeners' addresses a restart: [operations.md](operations.md#processes-and-signals) has the list, and the log says
what waits.
"""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    type: str
    default: str | None  # None: required
    text: str


class Table(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # of the class
    text: str  # its docstring
    keys: tuple[Key, ...]


def render() -> str:
    """Return the document."""
    sources = [Path(__file__).with_name(each).read_text(encoding="utf-8") for each in _SOURCES]
    tables = {table.name: table for source in sources for table in _tables(source)}
    parts = [_HEADER]
    for key in tables["Config"].keys:
        many = key.type.startswith("tuple[")
        name = key.type.removeprefix("tuple[").removesuffix(", ...]").removesuffix(" | None")
        parts.append(_section(f"[[{key.name}]]" if many else f"[{key.name}]", key, tables, name))
    return "\n".join(parts)


def _section(heading: str, key: Key, tables: dict[str, Table], name: str) -> str:
    table = tables[name]
    lines = [f"## `{heading}`", ""]
    for text in (table.text, key.text):
        if text:
            lines += [_sentence(text), ""]
    lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
    below: list[tuple[Key, str]] = []
    for each in table.keys:
        inner = each.type.removeprefix("tuple[").removesuffix(", ...]")
        if inner in tables and not each.type.startswith("tuple["):
            below.append((each, inner))
            continue
        lines += _rows(each, tables)
    lines.append("")
    for each, inner in below:
        nested = f"{heading.strip('[]')}.{each.name}"
        lines.append(_section(f"[{nested}]", each, tables, inner))
    return "\n".join(lines)


def _rows(key: Key, tables: dict[str, Table]) -> list[str]:
    """Return the row of a key, and those of what each of its tables has."""
    inner = key.type.removeprefix("tuple[").removesuffix(", ...]")
    lines = [_row(key, is_table=inner in tables)]
    for each in tables[inner].keys if inner in tables else ():
        lines += _rows(msgspec.structs.replace(each, name=f"{key.name}[].{each.name}"), tables)
    return lines


def _row(key: Key, *, is_table: bool) -> str:
    default = "*required*" if key.default is None else _toml(key.default, key.type)
    kind = "array of tables" if is_table else _type_text(key.type)
    return "| " + " | ".join((f"`{key.name}`", kind, default, _escape(key.text))) + " |"


def _type_text(annotation: str) -> str:
    names = {
        "Count": "integer >= 1",
        "Octets": "size >= 1",
        "OctetsOrNone": "size >= 0",
        "ProcessOctets": 'size >= "16MiB"',
        "Few": "integer 1-256",
        "RateText": "rate",
        "Seconds": "duration > 0",
        "SecondsOrNone": "duration >= 0",
        "Port": "port",
        "Name": "string",
        "str": "string",
        "bool": "boolean",
        "Jitter": "number 0-1",
        "Days": "integer 1-3650",
        "float | str": "number, or duration",
        "Severity": _choices(Severity),
        "NotifyKind": _choices(NotifyKind),
        "Role": _choices(schema.Role),
    }
    optional = annotation.removesuffix(" | None")
    if optional == "str | tuple[str, ...]":
        return "string, or array of strings"
    if optional == "str | dict[str, str]":
        return "string, or table of strings"
    if optional.startswith("Literal["):
        values = ast.literal_eval(optional.removeprefix("Literal"))
        return " \\| ".join(f"`{value}`" for value in values)
    if optional.startswith("tuple["):
        inner = optional.removeprefix("tuple[").removesuffix(", ...]")
        return f"array of {names.get(inner, inner)}"
    return names.get(optional, optional)


def _choices(literal: object) -> str:
    return " \\| ".join(f"`{each}`" for each in get_args(literal))


def _toml(default: str, annotation: str) -> str:
    value = ast.literal_eval(default)
    if "Seconds" in annotation and value:
        each = value if isinstance(value, tuple) else (value,)
        texts = ", ".join(f'"{duration_text(seconds)}"' for seconds in each)
        return f"`[{texts}]`" if isinstance(value, tuple) else f"`{texts}`"
    if "Octets" in annotation and isinstance(value, int):
        return f'`"{size_text(value)}"`'
    match value:
        case None:
            return "-"
        case bool():
            return f"`{str(value).lower()}`"
        case tuple():
            return (
                "`[" + ", ".join(f'"{v}"' if isinstance(v, str) else str(v) for v in value) + "]`"
            )
        case str():
            return f'`"{value}"`'
        case _:
            return f"`{default}`"


def _tables(source: str) -> list[Table]:
    comments = _comments(source)
    found: list[Table] = []
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
            continue
        keys = [
            Key(
                name=item.target.id,
                type=ast.unparse(item.annotation).replace("'", '"'),
                default=_default(item),
                text=_text(item, comments),
            )
            for item in node.body
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        ]
        found.append(
            Table(
                name=node.name,
                text=" ".join((ast.get_docstring(node) or "").split()),
                keys=tuple(keys),
            )
        )
    return found


def _default(item: ast.AnnAssign) -> str | None:
    if item.value is None:
        return None
    return ast.unparse(item.value) if not isinstance(item.value, ast.Call) else "()"


class _Comment(msgspec.Struct, frozen=True):
    text: str
    is_alone: bool  # on its line: of the key below


def _text(item: ast.AnnAssign, comments: dict[int, _Comment]) -> str:
    """Return what the comments above the key and on its lines say."""
    first = item.lineno
    while (above := comments.get(first - 1)) is not None and above.is_alone:
        first -= 1
    lines = range(first, (item.end_lineno or item.lineno) + 1)
    return " ".join(comments[line].text for line in lines if line in comments)


def _comments(source: str) -> dict[int, _Comment]:
    """Return the comment of each line that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: _Comment(
            token.string.lstrip("# ").strip(), token.line.lstrip().startswith("#")
        )
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text[0].upper()}{text[1:]}."


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
