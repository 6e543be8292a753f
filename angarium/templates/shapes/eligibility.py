"""Whether what a template writes can be told apart from its values: nothing it asks for sees what was written. Pure.

A block that is captured and then counted, compared or changed would see gaps where values were.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from angarium.templates.shapes.recording import GAP
from angarium.templates.tags import Tag, tags

# Ours, of all sources together: reading them takes a tenth of a second
MAX_CHARACTERS: Final = 512 * 1024
_STATEMENTS: Final = frozenset(
    {
        *("if", "elif", "else", "endif", "for", "endfor", "with", "endwith", "set"),
        *("extends", "block", "endblock", "include", "import", "from", "macro", "endmacro"),
    }
)
_WRITING: Final = frozenset({"include", "block"})
# What gives back what was written; of these, only ``super()`` is let through, alone in its tag
_CAPTURING: Final = frozenset({"self", "caller", "super"})


class Source(msgspec.Struct, frozen=True, kw_only=True):
    template: str  # "": the version itself
    text: str  # as the engine reads it


def may_leave_gaps(sources: Iterable[Source]) -> bool:
    """Whether it is so for all of these, which may take each other in.

    Nothing that they write is thrown away, either: what is outside of blocks, where a layout is named, would be.
    """
    read: list[tuple[str, list[_Words]]] = []
    characters = 0
    for source in sources:
        characters += len(source.text)
        if characters > MAX_CHARACTERS or GAP in source.text:
            return False
        words = [_Words(each.is_statement, _words(each)) for each in tags(source.text)]
        read.append((source.template, words))
    statements = [each.words for _, words in read for each in words if each.is_statement]
    captured = _CAPTURING.union(*map(_named, statements))
    imported = {each[1] for each in statements if each[:1] in (["import"], ["from"]) and each[1:]}
    if not all(each[0] in "\"'" and "\\" not in each for each in imported):
        return False  # who knows which one
    modules = {each[1:-1] for each in imported}
    return all(
        not _throws_away(words, is_module=template in modules)
        and all(_is_plain(each, captured) for each in words)
        for template, words in read
    )


class _Words(NamedTuple):
    """Of a tag."""

    is_statement: bool
    words: list[str]


def _throws_away(tags_: list[_Words], *, is_module: bool) -> bool:
    """Whether something is written that never comes into the mail."""
    names = [each.words[0] if each.is_statement and each.words else "" for each in tags_]
    if not is_module and "extends" not in names:
        return False
    opening = {"macro"} if is_module else {"macro", "block"}
    closing = {f"end{each}" for each in opening}
    depth = 0
    for each, name in zip(tags_, names, strict=True):
        if not depth and (not each.is_statement or name in _WRITING - opening):
            return True
        depth += (name in opening) - (name in closing)
    return False


def _is_plain(tag: _Words, captured: Iterable[str]) -> bool:
    judge = _is_plain_statement if tag.is_statement else _is_plain_value
    return judge(tag.words, captured)


def _words(tag: Tag) -> list[str]:
    """Without the marks that take spaces away."""
    texts = [each.text for each in tag.tokens]
    start = 1 if texts and texts[0] in "-+" else 0
    end = len(texts) - (1 if len(texts) > start and texts[-1] in "-+" else 0)
    return texts[start:end]


def _named(words: list[str]) -> set[str]:
    """Names of macros, and of what macros are imported as, that a statement brings."""
    match words:
        case ["macro", name, *_]:
            return {name}
        case ["import", *rest] if "as" in rest[:-1]:
            return {rest[rest.index("as", 0) + 1]}
        case ["from", *rest]:
            return {each for each in rest if each.isidentifier()} - {"import", "as", "with"}
    return set()


def _is_plain_statement(words: list[str], captured: Iterable[str]) -> bool:
    match words:
        case ["macro" | "import" | "from", *rest]:
            # What an argument is without one, and which file it is
            return not _asks(rest[rest.index("(") :] if "(" in rest else [], captured)
        case ["set", _, third, *_] if third in ("=", ",", "."):
            return not _asks(words, captured)
        case ["set", *_]:
            return False  # a block that is captured
        case ["for", *rest] if "recursive" in rest:
            return False
        case [first, *rest]:
            return first in _STATEMENTS and not _asks(rest, captured)
    return True


def _is_plain_value(words: list[str], captured: Iterable[str]) -> bool:
    """A macro's or a block's text is written as it is, and nothing else is done with it."""
    if not _asks(words, captured):
        return True
    if "(" not in words:
        return False
    opening = words.index("(")
    path = words[:opening]
    is_path = all(
        each.isidentifier() if index % 2 == 0 else each == "." for index, each in enumerate(path)
    )
    return (
        is_path
        and len(path) in (1, 3)
        and path[0] not in ("self", "caller")
        and _closing(words, opening) == len(words) - 1
        and not _asks(words[opening:], captured)
    )


def _closing(words: list[str], opening: int) -> int:
    depth = 0
    for index in range(opening, len(words)):
        depth += (words[index] in "([{") - (words[index] in ")]}")
        if not depth:
            return index
    return -1


def _asks(words: list[str], captured: Iterable[str]) -> bool:
    return any(
        word in captured and not (index and words[index - 1] == ".")
        for index, word in enumerate(words)
    )
