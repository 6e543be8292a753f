"""Where the tags of an HTML text stand, so that it can be changed there and stays as it is elsewhere. Pure.

Reads as browsers do (the tokenization of the HTML standard, section 13.2.5), as far as what is a tag, a comment or
plain text depends on it. Linear in the length. A text of which each character stands for an octet (ISO 8859-1) is read
alike, whatever its real charset, if that has ASCII's octets for nothing else.
"""

import re
import string
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Final

import msgspec

_BLANK: Final = r" \t\n\f\r"
_NAME: Final = re.compile(rf"[A-Za-z][^{_BLANK}/>]*")
# With the blanks before it. A name may begin with "="; a value is quoted, or goes on to a blank or ">"
_ATTRIBUTE: Final = re.compile(
    rf"[{_BLANK}/]*+(=?[^{_BLANK}/>=]*+)[{_BLANK}]*+"
    rf"(?:=[{_BLANK}]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^{_BLANK}>\"'][^{_BLANK}>]*+)?))?"
)
# A comment ends with "-->" or "--!>"; "<!-->" and "<!--->" are whole ones
_COMMENT_END: Final = re.compile(r"--!?>")
# Whose content is text up to their own end tag
_TEXT_ONLY: Final = frozenset(
    {"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"}
)
# A tag's rest, if its quotes stand only around values: then this and ``_ATTRIBUTE`` read the same of it. Groups are not
# possessive, since those of Python before 3.11.5 are wrong; so they are bounded, that they keep little
_USUAL_REST: Final = (
    rf"[^{_BLANK}/>]*+[^\"'=>]*+(?:(?<=[^{_BLANK}/\"'])=[{_BLANK}]*+"
    rf"(?:\"[^\"]*+\"|'[^']*+'|[^{_BLANK}>\"'=][^{_BLANK}>\"']*+)[^\"'=>]*+){{0,200}}>"
)
# Most are so: to read these is a third faster
_PLAIN_ATTRIBUTE: Final = r" [A-Za-z-]++=\"[^\"]*+\""
_PLAIN_REST: Final = rf"[A-Za-z0-9]*+(?:>|(?:{_PLAIN_ATTRIBUTE}){{1,200}}/?>)"
_PLAIN_ATTRIBUTES: Final = re.compile(rf"(?:{_PLAIN_ATTRIBUTE}){{0,200}}/?>")
_USUAL_CLOSING: Final = rf"[^{_BLANK}>\"'=/]*+>"
# Letters: of no more, no tag has a name whose content is text
_SHORT: Final = 2
_PASSED: Final = (100, 20)  # tags at once, and those of short names behind each
_UPPER: Final = {ord(each): each.lower() for each in string.ascii_uppercase}


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


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    start: int  # of its text, behind "<!--"
    end: int  # of its text


def tags(
    html: str, names: frozenset[str] | None = None, attributes: frozenset[str] | None = None
) -> Iterator[Tag]:
    """Yield each tag, in order; what is cut off at the end is none.

    With ``names`` (lower case; ``/a`` is the closing tag of ``a``), only these, at a fifteenth of the time; with
    ``attributes`` (lower case), only these of them.
    """
    found = tags_and_comments(html, names, attributes)
    return (each for each in found if isinstance(each, Tag))


def tags_and_comments(
    html: str, names: frozenset[str] | None = None, attributes: frozenset[str] | None = None
) -> Iterator[Tag | Comment]:
    """Yield as ``tags`` does, and comments that end."""
    reading, at = _reading(names, attributes).match, 0
    while at >= 0:
        found = reading(html, at)
        # It matches whatever there is
        assert found is not None
        at = found.end()
        if found.lastindex is not None:
            tag = _with_at_most_one(found)
        elif at >= len(html):
            return
        elif (name := _NAME.match(html, at + 1 + html.startswith("/", at + 1))) is not None:
            read = _read(html, at, name, attributes)
            if read is None:
                return
            tag = read
        else:
            comment, at = _no_tag(html, at)
            if comment is not None:
                yield comment
            continue
        if names is None or ("/" + tag.name if tag.closing else tag.name) in names:
            yield tag
        at = tag.end
        if not tag.closing:
            if tag.name in _TEXT_ONLY:
                at = _find_end_tag(html, tag.name, at)
            elif tag.name == "plaintext":
                return


@lru_cache(maxsize=64)
def _reading(names: frozenset[str] | None, attributes: frozenset[str] | None) -> re.Pattern[str]:
    """What goes on to the next tag, and has it in its groups if it is one that needs no look."""
    passed = "[^<]*+" if names is None else _passing(names)
    return re.compile(passed if attributes is None else f"{passed}(?:{_with_one(attributes)})?")


def _passing(names: frozenset[str]) -> str:
    """What passes over all that is neither of these names, nor changes how what follows is read, nor needs a look.

    Most tags have a name of one or two letters and no more, and they stand together. Of the ways of others, the first
    are those of most, each begun by letters that are not the others': by that they are chosen.
    """
    taken = {each.removeprefix("/")[0] for each in names if len(each.removeprefix("/")) <= _SHORT}
    short = "".join(each for each in string.ascii_letters if each.lower() not in taken) or "-"
    opening = {each for each in names if each[0] != "/"} | _TEXT_ONLY | {"plaintext"}
    closing = {each.removeprefix("/") for each in names if each.startswith("/")}
    ways = (
        *(f"/{each}[A-Za-z0-9]*+>" for each in _beginnings_of_others(closing)),
        *(f"{each}{_PLAIN_REST}" for each in _beginnings_of_others(opening)),
        f"/{_none_of(closing)}{_USUAL_CLOSING}",
        f"{_none_of(opening)}(?:{_PLAIN_REST}|{_USUAL_REST})",
        "(?![A-Za-z/!?])",
    )
    others, behind = _PASSED
    shorts = rf"(?:</?+[{short}][A-Za-z0-9]?+>[^<]*+){{0,{behind}}}"
    return rf"[^<]*+{shorts}(?:<(?:{'|'.join(ways)})[^<]*+{shorts}){{0,{others}}}"


def _beginnings_of_others(names: Collection[str]) -> list[str]:
    """Return expressions for the first letter, or the first two, that are of no tag of these names."""
    first = {each[0] for each in names}
    others = "".join(each for each in string.ascii_letters if each.lower() not in first)
    ways = [f"[{others}]"] if others else []
    for letter in sorted(first & set(string.ascii_lowercase)):
        seconds = {each[1:2] for each in names if each[0] == letter}
        # One of its names may be this letter alone
        if "" not in seconds:
            more = string.ascii_letters + string.digits
            either = "".join(each for each in more if each.lower() not in seconds)
            ways.append(f"[{letter}{letter.upper()}][{either}]")
    return ways


def _none_of(names: Collection[str]) -> str:
    """Return an expression for the first letter of a tag's name that is none of these."""
    wanted = "|".join(map(_any_case, sorted(names))) or "(?!)"
    return f"(?!(?:{wanted})[{_BLANK}/>])[A-Za-z]"


def _with_one(attributes: frozenset[str]) -> str:
    """What reads a plain tag that has no more than one of these attributes."""
    either = "|".join(map(_any_case, sorted(attributes))) or "(?!)"
    first = {each[0] for each in attributes}
    # Most are told by their first letter
    letters = "".join(each for each in string.ascii_letters if each.lower() not in first) or "-"
    others = rf"(?: (?:[{letters}][A-Za-z-]*+|(?!(?:{either})=)[A-Za-z-]++)=\"[^\"]*+\"){{0,200}}"
    return rf"(</?)([A-Za-z][A-Za-z0-9]*+){others}(?: ({either})=\"([^\"]*+)\"{others})?/?>"


def _any_case(name: str) -> str:
    return "".join(
        f"[{each}{each.upper()}]" if each.isalpha() else re.escape(each) for each in name
    )


def _lower(name: str) -> str:
    return name.lower() if name.isascii() else name.translate(_UPPER)


def _read(html: str, start: int, name: re.Match[str], wanted: frozenset[str] | None) -> Tag | None:
    """Return the tag; None: it is cut off, and all behind it is part of it.

    ``wanted``: attributes that it is to have; None: all.
    """
    plain = _PLAIN_ATTRIBUTES.match(html, name.end())
    if plain is not None:
        return Tag(
            name=_lower(name[0]),
            closing=html[start + 1] == "/",
            start=start,
            end=plain.end(),
            attributes=_read_plain(plain, wanted),
        )
    attributes: dict[str, Attribute] = {}
    at, length = name.end(), len(html)
    # One may be empty, so that each begins where that before it has ended
    for found in () if html.startswith(">", at) else _ATTRIBUTE.finditer(html, at):
        which, at = found.lastindex or 1, found.end()
        if at >= length or (which == 1 and _is_open(html, found)):
            return None
        written = found[1].lower() if found[1].isascii() else found[1].translate(_UPPER)
        if not written:
            break
        if (wanted is None or written in wanted) and written not in attributes:
            start_of, end = found.span(which) if which > 1 else (-1, -1)
            attributes[written] = Attribute(
                name=written, value=found[which] if which > 1 else "", start=start_of, end=end
            )
    return (
        None
        if at >= length
        else Tag(
            name=_lower(name[0]),
            closing=html[start + 1] == "/",
            start=start,
            end=at + 1,
            attributes=tuple(attributes.values()),
        )
    )


def _read_plain(found: re.Match[str], wanted: frozenset[str] | None) -> tuple[Attribute, ...]:
    """Return the attributes of a tag that has no others than ``_PLAIN_ATTRIBUTES``."""
    at, attributes = found.start(), dict[str, Attribute]()
    pieces = iter(found[0].split('"'))
    # A blank, the name and "=", then the value; at last what is behind the last one
    for before, value in zip(pieces, pieces, strict=False):
        at += len(before) + 1
        end = at + len(value)
        name = before[1:-1].lower()
        if (wanted is None or name in wanted) and name not in attributes:
            attributes[name] = Attribute(name=name, value=value, start=at, end=end)
        at = end + 1
    return tuple(attributes.values())


def _is_open(html: str, found: re.Match[str]) -> bool:
    """Whether the value would be quoted, and its end is missing."""
    return html[found.end()] in "\"'" and "=" in html[found.end(1) : found.end()]


def _with_at_most_one(found: re.Match[str]) -> Tag:
    """Return the tag that ``_with_one`` has read."""
    opening, name, attribute, value = found.groups()
    attributes: tuple[Attribute, ...] = ()
    if attribute is not None:
        begin, end = found.span(4)
        attributes = (Attribute(name=attribute.lower(), value=value, start=begin, end=end),)
    return Tag(
        name=name.lower(),
        closing=opening == "</",
        start=found.start(1),
        end=found.end(),
        attributes=attributes,
    )


def _no_tag(html: str, at: int) -> tuple[Comment | None, int]:
    """Return what begins with a "<" and is no tag, if it is a comment that ends; and what is behind it, -1: nothing."""
    following = html[at + 1 : at + 2]
    if following == "!" or following == "?":
        start, end, behind = _markup(html, at)
        is_comment = start >= 0 and behind >= 0
        return Comment(start=start, end=end) if is_comment else None, behind
    # "</>" is nothing, and what else begins so is a comment up to the next ">"; another "<" is text
    return None, _behind(html, ">", at + 2) if following == "/" else at + 1


def _markup(html: str, at: int) -> tuple[int, int, int]:
    """A comment, a document type or an instruction: where a comment's text is, else -1, and what is behind it.

    Behind is -1: it never ends.
    """
    if not html.startswith("<!--", at):
        return -1, -1, _behind(html, ">", at + 2)
    for short in ("<!-->", "<!--->"):
        if html.startswith(short, at):
            return at + 4, at + 4, at + len(short)
    found = _COMMENT_END.search(html, at + 4)
    return (-1, -1, -1) if found is None else (at + 4, found.start(), found.end())


def _behind(html: str, what: str, at: int) -> int:
    found = html.find(what, at)
    return -1 if found < 0 else found + len(what)


def _find_end_tag(html: str, name: str, at: int) -> int:
    """Where the end tag stands that ends its text; -1: nowhere."""
    found = re.compile(rf"</{name}(?=[{_BLANK}/>])", re.ASCII | re.IGNORECASE).search(html, at)
    return -1 if found is None else found.start()
