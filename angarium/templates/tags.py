"""What stands in a source's tags, read without running it: names of filters, tests, and other templates. Pure.

The engine says what is wrong where it comes by; this says it of what it did not come by, too.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

_OPEN: Final = re.compile(r"\{[{%#]")
_RAW: Final = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}")
_END_RAW: Final = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
# Strings, names, numbers, and what is none of them
# A string that is not closed goes on to the end, so that nothing is read twice
_TOKEN: Final = re.compile(
    r"\"(?:[^\"\\]|\\.)*(?:\"|\\?\Z)|'(?:[^'\\]|\\.)*(?:'|\\?\Z)|[^\W\d]\w*|\d[\w.]*|\S", re.S
)
MAX_PATH_TOKENS: Final = 19  # ours: ten names with their dots
_LOADS: Final = frozenset({"extends", "include", "import", "from"})
_ENDS_NAMES: Final = frozenset({"ignore", "with", "without", "import", "as", "if", "else"})


class Token(NamedTuple):
    text: str
    offset: int  # in characters


class Tag(NamedTuple):
    """An expression or a statement."""

    is_statement: bool
    tokens: list[Token]


class Load(NamedTuple):
    """Another template that a source names."""

    name: str
    offset: int
    may_be_missing: bool


def tags(source: str) -> Iterator[Tag]:
    """Yield each tag but comments, in order. What is not closed ends with the source."""
    at = 0
    while found := _OPEN.search(source, at):
        start = found.start()
        if raw := _RAW.match(source, start):
            end = _END_RAW.search(source, raw.end())
            at = len(source) if end is None else end.end()
        elif found[0] == "{#":
            end_at = source.find("#}", start + 2)
            at = len(source) if end_at < 0 else end_at + 2
        else:
            closing = "}}" if found[0] == "{{" else "%}"
            tokens, at = _read(source, start + 2, closing)
            yield Tag(closing == "%}", tokens)


def _read(source: str, at: int, closing: str) -> tuple[list[Token], int]:
    tokens: list[Token] = []
    braces = 0
    for found in _TOKEN.finditer(source, at):
        text = found[0]
        if text == "{":
            braces += 1
        elif source.startswith(closing, found.start()) and not (braces and closing == "}}"):
            return tokens, found.start() + 2
        elif text == "}":
            braces -= 1
        tokens.append(Token(text, found.start()))
    return tokens, len(source)


def loads(source: str) -> list[Load]:
    """Return the templates that it extends, includes and imports, as far as they are written out."""
    found: list[Load] = []
    for tag in tags(source):
        words = [each for each in tag.tokens if each.text not in "-+"]
        if not tag.is_statement or not words or words[0].text not in _LOADS:
            continue
        may_be_missing = any(
            one.text == "ignore" and other.text == "missing" for one, other in pairwise(words)
        )
        for each in words[1:]:
            if each.text in _ENDS_NAMES:
                break
            if each.text[0] in "\"'":
                found.append(Load(_unquoted(each.text), each.offset, may_be_missing))
    return found


def filters(source: str) -> list[Token]:
    """Return the names of the filters that it asks for."""
    found = []
    for tag in tags(source):
        texts = tag.tokens
        if tag.is_statement and [each.text for each in texts[:2] if each.text != "-"][:1] == [
            "filter"
        ]:
            found += [each for each in texts if each.text.isidentifier()][1:2]
        found += [
            name for bar, name in pairwise(texts) if bar.text == "|" and name.text.isidentifier()
        ]
    return found


def tests(source: str) -> list[Token]:
    """Return the names of the tests that it asks for: of ``x is y`` and ``x is not y``."""
    found = []
    for tag in tags(source):
        for index, each in enumerate(tag.tokens[:-1]):
            if each.text != "is" or (index and tag.tokens[index - 1].text == "."):
                continue
            name = tag.tokens[index + 1]
            if name.text == "not" and index + 2 < len(tag.tokens):
                name = tag.tokens[index + 2]
            if name.text.isidentifier() and name.text != "in":
                found.append(name)
    return found


def find_only_use(source: str, name: str) -> tuple[int, int, str] | None:
    """Return line and column of a filter, from 1, and the variable that is filtered, if it is a plain one.

    None: it is not there, or more than once.
    """
    found: tuple[Token, str] | None = None
    for tag in tags(source):
        for index, (bar, each) in enumerate(pairwise(tag.tokens)):
            if bar.text == "|" and each.text == name:
                if found is not None:
                    return None
                found = each, _path_before(tag.tokens[max(0, index - MAX_PATH_TOKENS) : index])
    return None if found is None else (*line_and_column(source, found[0].offset), found[1])


def _path_before(tokens: list[Token]) -> str:
    parts: list[str] = []
    for each in reversed(tokens):
        # Names and dots take turns
        if each.text.isidentifier() if len(parts) % 2 == 0 else each.text == ".":
            parts.append(each.text)
        else:
            break
    return "".join(reversed(parts)) if len(parts) % 2 else ""


def line_and_column(source: str, offset: int) -> tuple[int, int]:
    """Return both from 1, of a place in characters."""
    return source.count("\n", 0, offset) + 1, offset - source.rfind("\n", 0, offset)


def find_names(source: str, names: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return where variables are first asked for: ``order.total``, or as much of its beginning as there is."""
    wanted: dict[str, list[list[str]]] = {}
    for name in names:
        parts = name.split(".")
        wanted.setdefault(parts[0], []).append(parts)
    best: dict[str, tuple[int, int]] = {}  # how much of it, and the place
    for tag in tags(source):
        for index, each in enumerate(tag.tokens):
            if each.text not in wanted or (index and tag.tokens[index - 1].text == "."):
                continue
            for parts in wanted[each.text]:
                length = _in_common(tag.tokens, index, parts)
                if length > best.get(".".join(parts), (0, 0))[0]:
                    best[".".join(parts)] = length, each.offset
    return {name: line_and_column(source, offset) for name, (_, offset) in best.items()}


def _in_common(tokens: list[Token], start: int, wanted: list[str]) -> int:
    length = 0
    for index, part in enumerate(wanted):
        at = start + 2 * index
        if at >= len(tokens) or tokens[at].text != part:
            break
        if index and tokens[at - 1].text != ".":
            break
        length += 1
    return length


def _unquoted(text: str) -> str:
    inner = text[1:].removesuffix(text[0])
    return re.sub(r"\\(.)", r"\1", inner)
