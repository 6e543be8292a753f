"""Expressions of the engine's language, written. Pure."""

import re
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What stands in text and would begin a tag
_MARKS: Final = re.compile(r"\{[{%#]")


def literal(value: str | int | float | bool | None) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return string(value)
    return repr(value)


def string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + escaped.replace("\r", "\\r") + '"'


def member(of: str, name: str) -> str:
    """What is behind a name, or nothing. Length and indices are JavaScript's."""
    if name == "length" or name.isdecimal():
        return f"({of}|m_member({string(name)}))"
    return f"{of}.{name}" if _PLAIN.fullmatch(name) else f"{of}[{string(name)}]"


def filtered(of: str, name: str, *arguments: str) -> str:
    given = f"({', '.join(arguments)})" if arguments else ""
    return f"({of}|{name}{given})"


def text(source: str) -> str:
    """What stands for a text: itself, where nothing in it means something else in the engine's language."""
    # A brace at the end may meet the one of a tag behind it
    kept = _MARKS.sub(lambda found: f"{{{{ '{found[0]}' }}}}", source)
    return kept[:-1] + "{{ '{' }}" if kept.endswith("{") else kept
