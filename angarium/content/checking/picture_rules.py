"""Pictures: whether they are shown, and what is there if they are not. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from angarium.content.checking.html_reading import Picture
from angarium.content.checking.rule import Broken, Rule, RulePart, several
from angarium.content.checking.view import View
from angarium.content.checking.web_address import read_address

_ONLY: Final = 30  # characters of text; ours: "View in browser" is no text
_LITTLE: Final = 50  # characters of text for each picture; ours

RULES: Final = (
    Rule(
        code="picture_without_alt",
        points=0.2,
        wrong="a picture has no alt text",
        remedy='say what it shows, or write alt="" where it only adorns',
        reason="many read without pictures, or by ear; European law asks for it of shops and services",
    ),
    Rule(
        code="picture_link_without_alt",
        wrong="a link is a picture without alt text",
        remedy="say where it leads in its alt text",
        reason="where pictures are not shown, there is no link to be seen",
    ),
    Rule(
        code="picture_without_size",
        wrong="a picture has neither width nor height",
        remedy="give its width",
        reason="the text jumps when it is loaded, and Outlook shows it as large as its file",
    ),
    Rule(
        code="picture_insecure",
        wrong="a picture's address begins with http, not https",
        remedy="write https",
        reason="programs in a browser do not load it",
    ),
    Rule(
        code="picture_broken",
        level="blocker",
        wrong="a picture's address leads nowhere from a mail",
        remedy="write all of it, from https:// on, or attach the file with a contentId and write cid:",
        reason="readers see a broken picture",
    ),
    Rule(
        code="picture_not_attached",
        level="blocker",
        wrong="a picture's cid: names no attachment",
        remedy="attach the file with this contentId",
        reason="readers see a broken picture",
    ),
    Rule(
        code="picture_in_address",
        points=0.5,
        wrong="a picture is written into its address (data:)",
        remedy="put it on a web server, or attach it with a contentId",
        reason="Gmail and Outlook do not show it",
    ),
    Rule(
        code="picture_svg",
        wrong="a picture is an SVG",
        remedy="use PNG or JPEG",
        reason="Gmail, Outlook and Yahoo do not show it",
    ),
    Rule(
        code="pictures_only",
        in_bulk="blocker",
        points=2.5,
        wrong="there are pictures and hardly any text",
        remedy="write what they say as text",
        reason="spam hides its words in pictures, so filters count it; without pictures, nothing is seen",
    ),
    Rule(
        code="pictures_outweigh_text",
        points=0.8,
        wrong="there is little text for so many pictures (less than 50 characters for each)",
        remedy="write more text, or use fewer pictures",
        reason="filters count it, and without pictures little is seen",
    ),
)


def _find(view: View) -> Iterator[Broken]:
    html = view.html
    if html is None or not html.pictures:
        return
    attached = {each.content_id for each in view.mail.files}
    found: dict[str, list[str]] = defaultdict(list)
    for picture in html.pictures:
        for code in _codes(picture, attached):
            found[code].append(picture.src)
    for code, examples in found.items():
        yield from several(code, "bodyHtml", examples)
    seen = sum(not each.is_pixel for each in html.pictures)
    if seen and len(html.text) < _ONLY:
        yield Broken(code="pictures_only", field="bodyHtml")
    elif seen > 1 and len(html.text) < _LITTLE * seen:
        shown = f"{seen} pictures, {len(html.text)} characters"
        yield Broken(code="pictures_outweigh_text", field="bodyHtml", examples=(shown,))


def _codes(picture: Picture, attached: set[str]) -> Iterator[str]:
    if not picture.is_pixel:
        if picture.in_link and not picture.alt:
            yield "picture_link_without_alt"
        elif picture.alt is None:
            yield "picture_without_alt"
        if not picture.has_size:
            yield "picture_without_size"
    if picture.src[:4].lower() == "cid:":
        if picture.src[4:].strip("<>") not in attached:
            yield "picture_not_attached"
        return
    address = read_address(picture.src)
    match address.kind:
        case "data":
            yield "picture_in_address"
        case "web":
            if address.is_local:
                yield "picture_broken"
            if address.scheme == "http":
                yield "picture_insecure"
            if picture.src.partition("?")[0].lower().endswith(".svg"):
                yield "picture_svg"
        case "variable":
            pass
        case _:
            yield "picture_broken"


PICTURES: Final = RulePart(title="Pictures", rules=RULES, find=_find)
