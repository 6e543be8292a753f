"""How one leaves a list: what bulk mail must have. Pure.

Gmail and Yahoo ask it of who sends more than 5,000 mails a day to them, and RFC 8058, CAN-SPAM and European law of all.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from angarium.content.checking.rule import Broken, Rule, RulePart
from angarium.content.checking.view import View
from angarium.content.checking.web_address import read_address
from angarium.content.leaving_words import speaks_of_leaving

_POST: Final = "headers.List-Unsubscribe-Post"
_HEADER: Final = "headers.List-Unsubscribe"
_ADDRESS: Final = re.compile(r"<([^<>]{1,2000})>")
_STREET: Final = re.compile(
    r"\bp\.?\s?o\.?\s?box\b|\bpostfach\b|\bcasella\s+postale\b|\bapartado\b|\bstra(?:ss|ß)e\b|str(?:\.|asse|aße)\s*\d"
    r"|\b(?:street|avenue|road|boulevard|suite|floor|lane|drive|plaza|piazza|via|rue|calle|avenida|rua|allee|platz|weg"
    r"|laan|straat|ulica|gade|gatan|ave|blvd|rd|ste)\b\.?"
    r"|(?:stra(?:ss|ß)e|weg|platz|allee|gasse|straat|laan|gatan|vägen|gade|vej|katu)\s+\d"
    r"|[都道府県市区町村]",
)
_CODE: Final = re.compile(
    r"\b\d{4,6}(?:-\d{4})?\b|\b[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b|\b[A-Z]\d[A-Z]\s?\d[A-Z]\d\b|〒"
)
_END: Final = 20_000  # characters of the end of a mail that an address is looked for in
_CODES: Final = 500  # of a mail that are looked at
_NEAR: Final = 120  # characters between a street and a postal code

RULES: Final = (
    Rule(
        code="unsubscribe_header_missing",
        level="blocker",
        points=1.5,
        wrong="bulk mail has no List-Unsubscribe",
        remedy="give unsubscribeUrl, or the header with an https address",
        reason="Gmail and Yahoo refuse bulk mail without it (RFC 8058)",
    ),
    Rule(
        code="unsubscribe_header_wrong",
        level="blocker",
        points=1.0,
        wrong="List-Unsubscribe has no address that can be used",
        remedy="write <https://...>, in angle brackets",
        reason="programs show no button to leave (RFC 2369 section 2)",
    ),
    Rule(
        code="unsubscribe_not_https",
        level="blocker",
        points=0.5,
        wrong="List-Unsubscribe has no https address",
        remedy="add <https://...> that takes a POST",
        reason="leaving by one click needs it (RFC 8058 section 3.1)",
    ),
    Rule(
        code="unsubscribe_post_missing",
        level="blocker",
        points=0.5,
        wrong="there is no List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        remedy="add it, or give unsubscribeUrl, which does",
        reason="Gmail and Yahoo ask bulk mail for it (RFC 8058 section 3.1)",
    ),
    Rule(
        code="unsubscribe_link_missing",
        level="blocker",
        points=1.5,
        wrong="nothing in the body says how to leave",
        remedy="write a link to unsubscribe that can be seen",
        reason="laws (CAN-SPAM, European ones) and large providers ask for it; who finds none complains",
    ),
    Rule(
        code="postal_address_missing",
        points=0.3,
        wrong="no postal address was recognized in bulk mail",
        remedy="write that of the sender",
        reason="CAN-SPAM asks advertising for it, and German law for an imprint; this is a guess",
    ),
)


def _find(view: View) -> Iterator[Broken]:
    if not view.facts.is_bulk:
        return
    written = view.mail.values("list-unsubscribe")
    if view.facts.is_whole:
        yield from _of_header(written, view)
    if not _has_link(view, written):
        field = "bodyText" if view.mail.html is None else "bodyHtml"
        yield Broken(code="unsubscribe_link_missing", field=field)
    if not _has_postal_address(view.words[-_END:]):
        field = "bodyText" if view.mail.html is None else "bodyHtml"
        yield Broken(code="postal_address_missing", field=field)


def _of_header(written: list[str], view: View) -> Iterator[Broken]:
    if not written:
        yield Broken(code="unsubscribe_header_missing", field=_HEADER)
        return
    addresses = [read_address(each) for each in _ADDRESS.findall(written[0][:5000])]
    usable = [each for each in addresses if each.kind == "web" or each.scheme == "mailto"]
    if not usable:
        yield Broken(code="unsubscribe_header_wrong", field=_HEADER, examples=(written[0],))
        return
    if not any(each.kind == "web" and each.scheme == "https" for each in usable):
        yield Broken(code="unsubscribe_not_https", field=_HEADER, examples=(written[0],))
        return
    posts = [each.strip().lower() for each in view.mail.values("list-unsubscribe-post")]
    if "list-unsubscribe=one-click" not in posts:
        yield Broken(code="unsubscribe_post_missing", field=_POST, examples=tuple(posts))


def _has_link(view: View, written: list[str]) -> bool:
    known = {each for text in written for each in _ADDRESS.findall(text[:5000])}
    if view.html is not None:
        return any(
            each.href in known or speaks_of_leaving(each.text) or speaks_of_leaving(each.href[:500])
            for each in view.html.links
        )
    has_address = any(each.kind in ("web", "variable") for _, each in view.addresses)
    is_told = speaks_of_leaving(view.text)
    return any(each in view.text for each in known) or (
        is_told and (has_address or "@" in view.text)
    )


def _has_postal_address(text: str) -> bool:
    """A postal code, and near it a street."""
    return any(
        _STREET.search(text[max(0, code.start() - _NEAR) : code.end() + _NEAR].lower())
        for code in islice(_CODE.finditer(text), _CODES)
    )


UNSUBSCRIBE: Final = RulePart(title="How to leave (bulk streams)", rules=RULES, find=_find)
