"""What there is in the HTML of a mail: links, pictures, words, styles, in one pass. Pure; bounded, whatever it is."""

import html as entities
import re
from collections import Counter
from typing import Final

import msgspec

from angarium.content.html_tags import Tag, tags

MAX_CHARACTERS: Final = 300_000  # ours: three times what Gmail shows
MAX_TAGS: Final = 15_000  # ours: a tenth of a second
MAX_DEPTH: Final = 500  # ours: browsers stop at 512
_LINK_TEXT: Final = 300  # characters that are kept
_VOID: Final = frozenset(
    {
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param"),
        *("source", "track", "wbr"),
    }
)
_NO_TEXT: Final = frozenset({"script", "style", "title", "noscript", "template", "textarea"})
_CODE: Final = frozenset({"code", "pre", "samp", "kbd"})
_HIDING: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|(?:^|[;\s])opacity\s*:\s*0(?![.\d])"
    r"|text-indent\s*:\s*-\d{3}",
    re.IGNORECASE,
)
# The last one counts. Frames of layouts have 0, so that no blank between their cells is seen
_LETTERS: Final = re.compile(r"(?:^|[;\s])font-size\s*:\s*(0(?![.\d])|[^;]+)", re.IGNORECASE)
# Of no size, they are none
_RELATIVE: Final = re.compile(r"^[1-9.][\d.]*(?:em|%)|inherit|unset|smaller|larger", re.IGNORECASE)
_COLOURS: Final = re.compile(
    r"(?:^|[;\s])(color|background(?:-color)?)\s*:\s*(#[0-9a-f]{3,6}|[a-z]+)", re.IGNORECASE
)
_PIXEL: Final = frozenset({"0", "1", "0px", "1px"})
_SIZED: Final = re.compile(r"(?:^|[;\s])(?:max-)?(?:width|height)\s*:", re.IGNORECASE)
_REFRESH: Final = re.compile(r"refresh", re.IGNORECASE)
_PADDING: Final = re.compile("[\u00a0\u00ad\u034f\u200b-\u200f\u2007\u2060\ufeff\\s]+")


class Link(msgspec.Struct, frozen=True, kw_only=True):
    href: str  # character references resolved, without blanks around it
    text: str  # what is shown, at most 300 characters
    has_picture: bool = False


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    src: str
    alt: str | None  # None: there is none
    has_size: bool
    is_pixel: bool = False  # too small to be seen
    in_link: bool = False


class HtmlContent(msgspec.Struct, frozen=True, kw_only=True):
    is_whole: bool  # False: it is larger than what is read, or nested deeper
    tags: dict[str, int]  # how many of each name begin
    links: tuple[Link, ...]
    pictures: tuple[Picture, ...]
    text: str  # that is seen
    prose: str  # the same without what is shown as code
    preheader: str  # hidden text before all that is seen
    hidden: str  # hidden text elsewhere
    css: str  # of all style elements and attributes
    largest_style: int  # characters of the largest style element
    style_sheets: int  # elsewhere
    handlers: tuple[str, ...]  # onclick and such
    scripts: int  # that would run
    passwords: int  # fields that ask for one
    refreshes: int  # meta elements that lead elsewhere
    is_amp: bool  # the html element says so


class _Open(msgspec.Struct, kw_only=True, gc=False):
    name: str
    is_hidden: bool  # and all in it
    is_tiny: bool  # letters of no size, but where something in it says otherwise
    is_code: bool


def read_html(html: str) -> HtmlContent:
    reader = _Reader()
    read = html[:MAX_CHARACTERS]
    at = 0
    is_whole = len(read) == len(html)
    for count, tag in enumerate(tags(read)):
        if count == MAX_TAGS or len(reader.open) > MAX_DEPTH:
            is_whole = False
            break
        if tag.start > at:
            reader.words(read[at : tag.start])
        at = tag.end
        if tag.closing:
            reader.end(tag.name)
        else:
            reader.begin(tag)
    else:
        if at < len(read):
            reader.words(read[at:])
    return reader.content(is_whole)


class _Reader:
    def __init__(self) -> None:
        self.open: list[_Open] = []
        self._counts: Counter[str] = Counter()
        self._links: list[Link] = []
        self._pictures: list[Picture] = []
        self._text: list[str] = []
        self._prose: list[str] = []
        self._preheader: list[str] = []
        self._hidden: list[str] = []
        self._css: list[str] = []
        self._largest_style = 0
        self._style_sheets = 0
        self._handlers: list[str] = []
        self._scripts = 0
        self._passwords = 0
        self._refreshes = 0
        self._is_amp = False
        self._is_seen = False  # some text
        self._href: str | None = None  # of the link that is open
        self._link_text: list[str] = []
        self._link_length = 0
        self._link_picture = False

    def words(self, piece: str) -> None:
        inside = self.open[-1] if self.open else None
        if inside is not None and inside.name in _NO_TEXT:
            if inside.name == "style":
                self._css.append(piece)
                self._largest_style = max(self._largest_style, len(piece))
            return
        if "<!" in piece or "<?" in piece:
            piece = _without_comments(piece)
        if "&" in piece:
            piece = entities.unescape(piece)
        if not piece or piece.isspace():
            self._text.append(" ")
            self._prose.append(" ")
            return
        if inside is not None and (inside.is_hidden or inside.is_tiny):
            (self._hidden if self._is_seen else self._preheader).append(piece)
            return
        self._is_seen = True
        self._text.append(piece)
        self._prose.append(" " if inside is not None and inside.is_code else piece)
        self._link_words(piece)

    def begin(self, tag: Tag) -> None:
        name = tag.name
        self._counts[name] += 1
        attributes = {each.name: each.value for each in tag.attributes}
        style = attributes.get("style", "")
        if style:
            if "&" in style:
                style = entities.unescape(style)
            self._css.append(style)
        for each in attributes:
            if each.startswith("on") and len(each) > 4:
                self._handlers.append(each)
        if name == "a" or name == "area":
            self._end_link()
            if "href" in attributes:
                self._href = entities.unescape(attributes["href"]).strip()
                if name == "area":
                    self._link_words(attributes.get("alt", ""))
                    self._end_link()
        elif name == "img":
            self._picture(attributes, style)
        else:
            self._note(name, attributes)
        if name in _VOID:
            return
        outer = self.open[-1] if self.open else None
        is_hidden = (outer is not None and outer.is_hidden) or _is_hidden(attributes, style)
        is_tiny = _find_tiny(style)
        if is_tiny is None:
            is_tiny = outer is not None and outer.is_tiny
        is_code = (outer is not None and outer.is_code) or name in _CODE
        self.open.append(_Open(name=name, is_hidden=is_hidden, is_tiny=is_tiny, is_code=is_code))

    def end(self, name: str) -> None:
        if name == "a":
            self._end_link()
        # What is nested deeper is ended with it; far away there is none of this name
        for back in range(1, min(len(self.open), 30) + 1):
            if self.open[-back].name == name:
                del self.open[-back:]
                return

    def content(self, is_whole: bool) -> HtmlContent:
        self._end_link()
        return HtmlContent(
            is_whole=is_whole,
            tags=dict(self._counts),
            links=tuple(self._links),
            pictures=tuple(self._pictures),
            text=" ".join("".join(self._text).split()),
            prose=" ".join("".join(self._prose).split()),
            preheader=_PADDING.sub(" ", "".join(self._preheader)).strip(),
            hidden=_PADDING.sub(" ", "".join(self._hidden)).strip(),
            css="\n".join(self._css),
            largest_style=self._largest_style,
            style_sheets=self._style_sheets,
            handlers=tuple(self._handlers),
            scripts=self._scripts,
            passwords=self._passwords,
            refreshes=self._refreshes,
            is_amp=self._is_amp,
        )

    def _note(self, name: str, attributes: dict[str, str]) -> None:
        """What of some elements is worth to be known."""
        if name == "script":
            # JSON for machines, as schema.org has it, runs nowhere
            self._scripts += "json" not in attributes.get("type", "").lower()
        elif name == "link":
            self._style_sheets += "stylesheet" in attributes.get("rel", "").lower()
        elif name == "input":
            self._passwords += attributes.get("type", "").strip().lower() == "password"
        elif name == "meta":
            self._refreshes += bool(_REFRESH.search(attributes.get("http-equiv", "")))
        elif name == "html":
            self._is_amp = not {"\u26a14email", "amp4email"}.isdisjoint(attributes)
        elif name in ("p", "div", "td", "th", "tr", "li", "br", "h1", "h2", "h3", "table"):
            self._text.append(" ")
            self._prose.append(" ")

    def _picture(self, attributes: dict[str, str], style: str) -> None:
        sizes = (attributes.get("width", "").strip(), attributes.get("height", "").strip())
        alt = attributes.get("alt")
        self._pictures.append(
            Picture(
                src=entities.unescape(attributes.get("src", "")).strip(),
                alt=alt if alt is None else entities.unescape(alt).strip(),
                has_size=any(sizes) or _SIZED.search(style) is not None,
                is_pixel=_PIXEL.issuperset(sizes),
                in_link=self._href is not None,
            )
        )
        if self._href is not None:
            self._link_picture = True
            self._link_words(alt or "")

    def _link_words(self, words: str) -> None:
        if self._href is not None and self._link_length < _LINK_TEXT:
            self._link_text.append(words[:_LINK_TEXT])
            self._link_length += len(words)

    def _end_link(self) -> None:
        if self._href is not None:
            text = " ".join("".join(self._link_text).split())[:_LINK_TEXT]
            self._links.append(Link(href=self._href, text=text, has_picture=self._link_picture))
        self._href = None
        self._link_text.clear()
        self._link_length = 0
        self._link_picture = False


def _find_tiny(style: str) -> bool | None:
    """Say whether letters get no size; None: they have that of what is around them, or a part of it."""
    sizes = _LETTERS.findall(style) if style else []
    if not sizes or _RELATIVE.search(sizes[-1]):
        return None
    return bool(sizes[-1] == "0")


def _is_hidden(attributes: dict[str, str], style: str) -> bool:
    if "hidden" in attributes:
        return True
    if not style:
        return False
    if _HIDING.search(style):
        return True
    colours = {name.lower(): value.lower() for name, value in _COLOURS.findall(style)}
    ink = colours.get("color")
    return ink is not None and ink in (colours.get("background-color"), colours.get("background"))


def _without_comments(piece: str) -> str:
    """Return it without comments and document types. Linear."""
    kept: list[str] = []
    at = 0
    while (start := _first(piece, at)) >= 0:
        kept.append(piece[at:start])
        mark = "-->" if piece.startswith("<!--", start) else ">"
        end = piece.find(mark, start + 2)
        if end < 0:
            return "".join(kept)
        at = end + len(mark)
    kept.append(piece[at:])
    return "".join(kept)


_MARKUP: Final = re.compile(r"<[!?]")


def _first(piece: str, at: int) -> int:
    found = _MARKUP.search(piece, at)
    return -1 if found is None else found.start()
