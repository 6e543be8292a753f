"""What the comments of a struct's source say of its fields: requests and answers are their own documentation."""

import ast
import functools
import inspect
import io
import textwrap
import tokenize
from collections.abc import Mapping
from typing import Any

import msgspec


@functools.cache
def field_comments(struct: type[msgspec.Struct]) -> Mapping[str, str]:
    """Return by field's name in Python what stands above it and on its lines; of fields without, nothing.

    A struct that shows another one (``native.shown``) has the other's.
    """
    shows: Any = getattr(struct, "shows", None)
    if shows is not None:
        return field_comments(shows())
    found: dict[str, str] = {}
    for each in reversed(struct.__mro__):
        if issubclass(each, msgspec.Struct) and each is not msgspec.Struct:
            found |= _own_comments(each)
    return found


def _own_comments(struct: type) -> dict[str, str]:
    try:
        source = textwrap.dedent(inspect.getsource(struct))
    except (OSError, TypeError):  # a base that is written in C
        return {}
    (node,) = ast.parse(source).body
    assert isinstance(node, ast.ClassDef)
    comments = _by_line(source)
    found: dict[str, str] = {}
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            text = _text(item, comments)
            if text:
                found[item.target.id] = text
    return found


def _text(item: ast.AnnAssign, comments: Mapping[int, tuple[str, bool]]) -> str:
    first = item.lineno
    while (above := comments.get(first - 1)) is not None and above[1]:
        first -= 1
    lines = range(first, (item.end_lineno or item.lineno) + 1)
    text = " ".join(comments[line][0] for line in lines if line in comments)
    return text.replace("``", "`")


def _by_line(source: str) -> dict[int, tuple[str, bool]]:
    """Return the comment of each line that has one, and whether it is alone there. What is for tools is none."""
    found: dict[int, tuple[str, bool]] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            text = token.string.lstrip("# ").strip()
            if not text.startswith(("type:", "noqa")):
                found[token.start[0]] = text, token.line.lstrip().startswith("#")
    return found
