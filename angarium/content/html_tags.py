"""Where the tags of an HTML text stand, so that it can be changed there and stays as it is elsewhere. Pure.

Reads as browsers do (the tokenization of the HTML standard, section 13.2.5), as far as what is a tag, a comment or
plain text depends on it. Linear in the length.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

_NAME: Final = re.compile(r"[A-Za-z][^\s/>]*")
_BLANKS: Final = re.compile(r"[\s/]*")
# A name may begin with "="; a value is quoted, or goes on to a blank or ">"
_ATTRIBUTE: Final = re.compile(
    r"(=?[^\s/>=]*)\s*(?:=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"'][^\s>]*)?))?"
)
# A comment ends with "-->" or "--!>"; "<!-->" and "<!--->" are whole ones
_COMMENT_END: Final = re.compile(r"--!?>")
# Whose content is text up to their own end tag
_TEXT_ONLY: Final = frozenset(
    {"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"}
)


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # lower-case
    value: str  # as it stands: character references are not resolved
    start: int  # of the value, without quotes; -1: there is none
    end: int


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # lower-case
    closing: bool
    start: int  # of its "<"
    end: int  # behind its ">"
    attributes: tuple[Attribute, ...] = ()  # the first of a name counts

    def find(self, name: str) -> Attribute | None:
        return next((each for each in self.attributes if each.name == name), None)


def tags(html: str) -> Iterator[Tag]:
    """Yield each tag, in order. What is cut off at the end is none."""
    at = html.find("<")
    while at >= 0:
        following = html[at + 1 : at + 2]
        if following == "!" or following == "?":
            at = _behind_markup(html, at)
        elif following == "/" and not html[at + 2 : at + 3].isalpha():
            # "</>" is nothing, and what else begins so is a comment up to the next ">"
            at = _behind(html, ">", at + 2)
        else:
            name = _NAME.match(html, at + 1 + (following == "/"))
            if name is None:
                at += 1  # a "<" that is text
            elif (tag := _read(html, at, name)) is None:
                return
            else:
                yield tag
                at = tag.end
                if not tag.closing and tag.name in _TEXT_ONLY:
                    at = _find_end_tag(html, tag.name, at)
                elif not tag.closing and tag.name == "plaintext":
                    return
        if at < 0:
            return
        at = html.find("<", at)


def _read(html: str, start: int, name: re.Match[str]) -> Tag | None:
    """Return the tag; None: it is cut off, and all behind it is part of it."""
    attributes: dict[str, Attribute] = {}
    at = name.end()
    while True:
        at = _BLANKS.match(html, at).end()  # type: ignore[union-attr]
        if at >= len(html):
            return None
        if html[at] == ">":
            return Tag(
                name=name[0].lower(),
                closing=html.startswith("/", start + 1),
                start=start,
                end=at + 1,
                attributes=tuple(attributes.values()),
            )
        found = _ATTRIBUTE.match(html, at)
        assert found is not None  # it may be empty
        if found.end() == at or (found.end() < len(html) and _is_open(html, found)):
            return None
        which = found.lastindex or 1
        has_value = which > 1
        attribute = Attribute(
            name=found[1].lower(),
            value=found[which] if has_value else "",
            start=found.start(which) if has_value else -1,
            end=found.end(which) if has_value else -1,
        )
        attributes.setdefault(attribute.name, attribute)
        at = found.end()


def _is_open(html: str, found: re.Match[str]) -> bool:
    """Whether the value would be quoted, and its end is missing."""
    return (
        (found.lastindex or 1) == 1
        and html[found.end() - 1] in "= \t\n\r\f"
        and html[found.end()] in "\"'"
    )


def _behind_markup(html: str, at: int) -> int:
    """Behind a comment, a document type or an instruction; -1: it never ends."""
    if not html.startswith("<!--", at):
        return _behind(html, ">", at + 2)
    for short in ("<!-->", "<!--->"):
        if html.startswith(short, at):
            return at + len(short)
    found = _COMMENT_END.search(html, at + 4)
    return -1 if found is None else found.end()


def _behind(html: str, what: str, at: int) -> int:
    found = html.find(what, at)
    return -1 if found < 0 else found + len(what)


def _find_end_tag(html: str, name: str, at: int) -> int:
    """Where the end tag stands that ends its text; -1: nowhere."""
    found = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(html, at)
    return -1 if found is None else found.start()
