"""A mustache source, cut into its text and its tags. Pure; linear in its length.

Whitespace that its language takes away is taken here: at ``~``, and around a tag that has a line for itself.
"""

import re
from typing import Final, Literal

import msgspec

from angarium.templates.mustache.fault import MustacheError

TagKind = Literal[
    "value", "raw", "open", "inverse", "close", "else", "partial", "inline", "comment"
]
_ALONE: Final = frozenset({"open", "inverse", "close", "else", "partial", "inline", "comment"})
# Mustachio takes for a tag what has no brace in it, and all else for text
_MUSTACHIO: Final = re.compile(r"\{\{\{[^{}]+\}\}\}|\{\{[^{}]+\}\}")
# Up to the end of the tag: strings and names in brackets may have braces in them. One that is not closed goes on to
# the end, so that nothing is read twice
_INNER: Final = re.compile(r"\"[^\"]*(?:\"|\Z)|'[^']*(?:'|\Z)|\[[^\]]*(?:\]|\Z)|[^}\"'\[]+")
_COMMENT_END: Final = re.compile(r"--~?\}\}")
_BLANK_START: Final = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_SIGILS: Final[dict[str, TagKind]] = {
    "#": "open",
    "^": "inverse",
    "/": "close",
    ">": "partial",
    "&": "raw",
    "!": "comment",
}


class Text(msgspec.Struct):
    text: str


class Tag(msgspec.Struct, kw_only=True):
    kind: TagKind
    body: str  # what stands in it, without its marks
    offset: int  # of its body, in characters
    start: int  # of its first brace
    strips_before: bool = False
    strips_behind: bool = False
    lines_before: int = 0  # line ends that were taken away there
    lines_behind: int = 0
    indent: str = ""  # of a partial that has a line for itself: blanks before each of its lines


def read(source: str, *, mustachio: bool) -> list[Text | Tag]:
    """Return its parts in order. Raises MustacheError."""
    parts = _read_mustachio(source) if mustachio else _read_handlebars(source)
    if not mustachio:
        _strip(parts)
    return parts


def _read_mustachio(source: str) -> list[Text | Tag]:
    parts: list[Text | Tag] = []
    at = 0
    for found in _MUSTACHIO.finditer(source):
        parts.append(Text(source[at : found.start()]))
        braces = 3 if found[0].startswith("{{{") else 2
        inner = found[0][braces:-braces]
        parts.append(_tag(inner, found.start() + braces, found.start(), is_raw=braces == 3))
        at = found.end()
    parts.append(Text(source[at:]))
    return parts


def _read_handlebars(source: str) -> list[Text | Tag]:
    parts: list[Text | Tag] = []
    text: list[str] = []
    at = 0
    while (start := source.find("{{", at)) >= 0:
        written = source[at:start]
        before = written.rstrip("\\")
        slashes = len(written) - len(before)
        # One keeps the braces as they are, of two the first is text
        text.append(before + "\\" * max(slashes - 1, 0))
        if slashes == 1:
            text.append("{{")
            at = start + 2
            continue
        parts.append(Text("".join(text)))
        text = []
        tag, at = _read_tag(source, start)
        parts.append(tag)
    text.append(source[at:])
    parts.append(Text("".join(text)))
    return parts


def _read_tag(source: str, start: int) -> tuple[Tag, int]:
    if source.startswith("{{{{", start):
        raise MustacheError(
            start, "raw blocks of four braces are not known here: write \\{{ instead"
        )
    at = start + 2
    strips_before = source.startswith("~", at)
    at += strips_before
    if source.startswith("!", at):
        return _read_comment(source, start, at, strips_before)
    is_raw = source.startswith("{", at)
    at += is_raw
    end = at
    while found := _INNER.match(source, end):
        end = found.end()
    inner = source[at:end]
    closing = "}" if is_raw else ""
    strips_behind = inner.endswith("~") and not is_raw
    if is_raw and source.startswith("}~}}", end):
        strips_behind, closing = True, "}~"
    if not source.startswith(closing + "}}", end):
        braces = "}}}" if is_raw else "}}"
        raise MustacheError(start, f"this tag is not closed by {braces}")
    tag = _tag(inner[:-1] if strips_behind and not is_raw else inner, at, start, is_raw=is_raw)
    tag.strips_before, tag.strips_behind = strips_before, strips_behind
    return tag, end + len(closing) + 2


def _read_comment(source: str, start: int, at: int, strips_before: bool) -> tuple[Tag, int]:
    is_long = source.startswith("!--", at)
    end = source.find("--", at + 3) if is_long else source.find("}}", at)
    while is_long and end >= 0 and not _COMMENT_END.match(source, end):
        end = source.find("--", end + 1)
    if end < 0:
        raise MustacheError(start, "this comment is not closed")
    end = source.index("}}", end)
    inner = source[at + 1 : end]
    tag = Tag(
        kind="comment",
        body=inner,
        offset=at + 1,
        start=start,
        strips_before=strips_before,
        strips_behind=inner.endswith("~"),
    )
    return tag, end + 2


def _tag(inner: str, at: int, start: int, *, is_raw: bool) -> Tag:
    """Tell what kind of tag it is, by how its inside begins."""
    body = inner.lstrip()
    at += len(inner) - len(body)
    if is_raw:
        return Tag(kind="raw", body=body.rstrip(), offset=at, start=start)
    if body.startswith("="):
        raise MustacheError(start, "other delimiters than braces are not known here")
    kind = _SIGILS.get(body[:1], "value")
    if kind == "open" and body[1:2] in ("*", ">"):
        if body[1] == ">":
            raise MustacheError(start, "partials with a block are not known here: use a layout")
        kind, body, at = "inline", body[2:], at + 2
    elif kind != "value":
        body, at = body[1:], at + 1
    elif re.match(r"else(?:\s|\Z)", body):
        kind = "else"
    stripped = body.lstrip()
    at += len(body) - len(stripped)
    return Tag(kind=kind, body=stripped.rstrip(), offset=at, start=start)


def _strip(parts: list[Text | Tag]) -> None:
    """Take away what does not show. What is at a line of its own is told from the source as it was written."""
    texts = [each.text if isinstance(each, Text) else "" for each in parts]
    last = len(parts) - 1
    for index, tag in enumerate(parts):
        if not isinstance(tag, Tag):
            continue
        before, behind = parts[index - 1], parts[index + 1]
        assert isinstance(before, Text)
        assert isinstance(behind, Text)
        is_alone = (
            tag.kind in _ALONE
            and _ends_blank(texts[index - 1], is_first=index == 1)
            and _begins_blank(texts[index + 1], is_last=index + 1 == last)
        )
        if tag.strips_before:
            kept = before.text.rstrip()
            tag.lines_before += before.text.count("\n") - kept.count("\n")
            before.text = kept
        elif is_alone:
            kept = before.text.rstrip(" \t")
            tag.indent = before.text[len(kept) :] if tag.kind == "partial" else ""
            before.text = kept
        if tag.strips_behind:
            kept = behind.text.lstrip()
            tag.lines_behind += behind.text.count("\n") - kept.count("\n")
            behind.text = kept
        elif is_alone:
            found = _BLANK_START.match(behind.text)
            if found:
                tag.lines_behind += found[0].count("\n")
                behind.text = behind.text[found.end() :]


def _ends_blank(text: str, *, is_first: bool) -> bool:
    line = text.rpartition("\n")
    return not line[2].strip(" \t") and (bool(line[1]) or is_first)


def _begins_blank(text: str, *, is_last: bool) -> bool:
    found = _BLANK_START.match(text)
    return found is not None and ("\n" in found[0] or (is_last and found.end() == len(text)))
