"""The text part of a letter, made of its HTML, for those who read or index text. Pure; linear in the length.

What a reader sees, in its order: paragraphs, headings, lists, quotations and table rows as lines, links with their
address behind their words, pictures by their ``alt``. What is not shown (scripts, styles, ``display: none``) is
left out.
"""

import re
from collections.abc import Callable
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from angarium.content.letter import LetterError

_HIDDEN: Final = frozenset(
    {"script", "style", "head", "template", "title", "svg", "object", "iframe"}
)
_BLOCKS: Final = frozenset(
    {
        *("p", "div", "section", "article", "header", "footer", "main", "nav", "aside", "address"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "dt", "dd", "blockquote", "pre"),
        *("table", "thead", "tbody", "tfoot", "tr", "center", "form", "fieldset", "figure"),
        *("figcaption", "li", "hr", "caption"),
    }
)
# With an empty line around them
_APART: Final = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "blockquote", "pre", "table"}
)
# At whose begin or end something is written
_ACTING: Final = _BLOCKS | {"br", "img", "td", "th", "a"}
_SPACES: Final = re.compile(r"[ \t\r\n\f\u00a0]+")
_UNSEEN: Final = re.compile("[\u00ad\u034f\u200b-\u200f\u2060\ufeff]")
# What the two above change; most texts have none of it
_ODD: Final = re.compile(
    "[ \t\r\n\f\u00a0]{2}|[\t\r\n\f\u00a0\u00ad\u034f\u200b-\u200f\u2060\ufeff]"
)
# Without any of these, nothing is hidden by its attributes: they are written so, or by numbers
_HIDING: Final = ("hidden", "none", "mso-hide", "&#")
_NOT_SHOWN: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.I
)
_RULE: Final = "-" * 40
# What opens an element, and does not end by itself
_NESTED: Final = re.compile(
    r"<(/?)(?!(?:a|br|img|hr|input|meta|link|col|area|base|wbr|source|p|li|td|th|tr|dt|dd|option)\b)[a-z]",
    re.I,
)
MAX_DEPTH: Final = 1000  # ours: parsers take time in its square
FOLLOWED: Final = ("http:", "https:", "mailto:", "tel:")
MAX_LIST_DEPTH: Final = 20  # ours: deeper lists are indented no further


# What is written behind the words of a link, of its address and its words
LinkRule = Callable[[str, str], str]


def plain_text(html: str, link: LinkRule | None = None) -> str:
    """Return the text, its lines ended by LF; "" where nothing is shown. ``link``: instead of ``link_words``.

    Raises LetterError for HTML that is nested too deep.
    """
    if html.count("<") > MAX_DEPTH and _depth(html) > MAX_DEPTH:
        raise LetterError(
            "bodyHtml", f"has elements more than {MAX_DEPTH} deep in each other: close them"
        )
    body = LexborHTMLParser(html).body
    if body is None:
        return ""
    writer = _Writer(link or link_words)
    lower = html.lower()  # far quicker than to search without case
    _walk(body, writer, may_hide=any(each in lower for each in _HIDING))
    return writer.text()


def _depth(html: str) -> int:
    depth = deepest = 0
    for found in _NESTED.finditer(html):
        depth = max(0, depth - 1) if found[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest


class _Writer:
    """Lines as they come to be. A quotation's lines begin with its marks, a list's are indented."""

    def __init__(self, link: LinkRule) -> None:
        self.link: Final = link
        self._lines: list[str] = []
        self._line: list[str] = []
        self._space = False  # one is due before the next word
        self._apart = False  # an empty line is due before the next one
        self._quoted = 0  # how deep the last line was quoted
        self.pre = 0
        self.lists: list[
            int
        ] = []  # of each open list the number of its last item; -1: it has marks, no numbers
        self.quotes = 0
        self.links: list[
            tuple[str, int]
        ] = []  # address, and where its words begin in the line's pieces
        self._mark = ""

    def words(self, text: str) -> None:
        if self.pre:
            first, *rest = text.replace("\r\n", "\n").split("\n")
            self._put(first)
            for line in rest:
                self.end_line(always=True)
                self._put(line)
            return
        if _ODD.search(text) is not None:
            # Between tags there is often nothing else
            blank = not text.strip(" \t\r\n\f\u00a0")
            text = " " if blank else _SPACES.sub(" ", _UNSEEN.sub("", text))
        if text == " " or not text:
            self._space = self._space or bool(text and self._line)
            return
        if text[0] == " ":
            self._space = bool(self._line)
        if self._space and self._line:
            self._line.append(" ")
        self._space = text[-1] == " "
        self._put(text.strip(" "))

    def _put(self, text: str) -> None:
        if text:
            self._line.append(text)

    def cell(self) -> None:
        """Between two cells of a row."""
        self._space = bool(self._line)

    def mark(self, text: str) -> None:
        """What the next line begins with: an item's bullet or number."""
        self._mark = text

    def end_line(self, *, always: bool = False, apart: bool = False) -> None:
        """``always``: an empty line is one, too. ``apart``: an empty line is due, if another one comes."""
        if not self._line and not always:
            self._space = False
            self._apart = self._apart or apart
            return
        text = "".join(self._line).rstrip(" ")
        self._line.clear()
        self._space = False
        if text or always:
            if self._apart and self._lines:
                self._lines.append(">" * min(self.quotes, self._quoted))
            self._apart = False
            self._quoted = self.quotes
            indent = "  " * (min(len(self.lists), MAX_LIST_DEPTH) - 1) if self.lists else ""
            hang = self._mark or ("  " if self.lists and not self.pre else "")
            prefix = ">" * self.quotes + " " * bool(self.quotes)
            self._lines.append((prefix + indent + hang + text).rstrip(" "))
            self._mark = ""
        self._apart = self._apart or apart

    def here(self) -> int:
        return len(self._lines) * 1_000_000 + len(self._line)

    def shown_since(self, place: int) -> str:
        """The words of the present line since then; of a link over several lines, those of its last one."""
        lines, pieces = divmod(place, 1_000_000)
        return "".join(self._line[pieces:] if lines == len(self._lines) else self._line).strip()

    def text(self) -> str:
        self.end_line()
        while self._lines and not self._lines[-1].strip("> "):
            self._lines.pop()
        return "".join(f"{line}\n" for line in self._lines)


def _walk(body: LexborNode, writer: _Writer, *, may_hide: bool) -> None:
    """In document order, without recursion: hostile HTML is nested as deep as it is long.

    ``may_hide``: attributes of some element may say that it is not shown.
    """
    within: list[tuple[LexborNode, str]] = []  # whose children are being read, with their tags
    node: LexborNode | None = body
    while node is not None:
        child: LexborNode | None = None
        if node.is_text_node:
            writer.words(node.text_content or "")
        else:
            tag = node.tag or ""
            if _is_shown(node, tag, may_hide=may_hide):
                is_acting = tag in _ACTING
                if is_acting:
                    _enter(node, tag, writer)
                child = node.child
                if child is not None:
                    within.append((node, tag))
                elif is_acting:
                    _leave(tag, writer)
        # The body has no sibling that is shown
        following: LexborNode | None = child or (node.next if within else None)
        while following is None and within:
            node, tag = within.pop()
            if tag in _ACTING:
                _leave(tag, writer)
            following = node.next if within else None
        node = following


def _is_shown(node: LexborNode, tag: str, *, may_hide: bool) -> bool:
    if tag in _HIDDEN or tag[:1] in "-!":
        return False
    return not (may_hide and _is_hidden(node.attributes))


def _enter(node: LexborNode, tag: str, writer: _Writer) -> None:
    if tag in _BLOCKS:
        writer.end_line(apart=tag in _APART and not writer.lists)
    if tag == "br":
        writer.end_line(always=True)
    elif tag == "hr":
        writer.words(_RULE)
        writer.end_line()
    elif tag == "img":
        writer.words(node.attributes.get("alt") or "")
    elif tag in ("td", "th"):
        writer.cell()
    elif tag == "pre":
        writer.pre += 1
    elif tag == "blockquote":
        writer.quotes += 1
    elif tag in ("ul", "ol"):
        writer.lists.append(_start(node.attributes) if tag == "ol" else -1)
    elif tag == "li":
        _begin_item(writer)
    elif tag == "a":
        writer.links.append(((node.attributes.get("href") or "").strip(), writer.here()))


def _leave(tag: str, writer: _Writer) -> None:
    if tag == "a" and writer.links:
        _end_link(*writer.links.pop(), writer)
    if tag in _BLOCKS and tag != "hr":
        writer.end_line(apart=tag in _APART and len(writer.lists) <= 1)
    if tag == "pre":
        writer.pre -= 1
    elif tag == "blockquote":
        writer.quotes -= 1
    elif tag in ("ul", "ol"):
        writer.lists.pop()


def _begin_item(writer: _Writer) -> None:
    if not writer.lists or writer.lists[-1] < 0:
        writer.mark("- ")
        return
    writer.lists[-1] += 1
    writer.mark(f"{writer.lists[-1]}. ")


def _start(attributes: dict[str, str | None]) -> int:
    """One less than the first item's number."""
    text = attributes.get("start") or "1"
    return int(text) - 1 if text.isdecimal() and len(text) < 7 else 0


def _end_link(address: str, place: int, writer: _Writer) -> None:
    writer.words(writer.link(address, writer.shown_since(place)))


def link_words(address: str, shown: str) -> str:
    """Return what is written behind the words of a link: its address, or "" where they do without."""
    return address_words(address, shown) if needs_address(address, shown) else ""


def needs_address(address: str, shown: str) -> bool:
    """Whether somebody may follow it, and its words do not say it."""
    if not address.lower().startswith(FOLLOWED):
        return False
    plain = address.partition(":")[2].lstrip("/").rstrip("/")
    return not (
        shown.partition("://")[2].rstrip("/") == plain or shown.rstrip("/") in (address, plain)
    )


def address_words(address: str, shown: str) -> str:
    address = _SPACES.sub("%20", address)
    return f" ({address})" if shown else f" {address}"


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    if not attributes:
        return False
    style = attributes.get("style")
    return "hidden" in attributes or (style is not None and _NOT_SHOWN.search(style) is not None)
