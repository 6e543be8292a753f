"""Where links lead, and whether that is where they say. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from angarium.content.checking.rule import Broken, Level, Rule, RulePart, several
from angarium.content.checking.view import View
from angarium.content.checking.web_address import (
    MAX_CHARACTERS,
    WebAddress,
    base_domain,
    read_address,
)

_MANY: Final = 100
_SHORTENERS: Final = """
    adf.ly bit.do bit.ly bl.ink buff.ly clck.ru cutt.ly dlvr.it goo.gl is.gd j.mp lnkd.in ow.ly qr.ae rb.gy
    rebrand.ly s.id shorte.st shorturl.at short.io soo.gd t.co t.ly tiny.cc tiny.one tinyurl.com tr.im trib.al
    u.to urlz.fr v.gd vk.cc
"""
SHORTENERS: Final = frozenset(_SHORTENERS.split())
_SHOWN_HOST: Final = re.compile(
    r"(?:https?://)?((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24})(?::\d+)?(?:[/?#]\S*)?",
    re.IGNORECASE,
)
# What ends like a domain, and is mostly a file
_FILES: Final = (
    ".html",
    ".pdf",
    ".php",
    ".py",
    ".js",
    ".txt",
    ".zip",
    ".md",
    ".sh",
    ".docx",
    ".xlsx",
)


def _rule(
    code: str, wrong: str, remedy: str, reason: str, *, level: Level = "hint", points: float = 0.0
) -> Rule:
    return Rule(code=code, level=level, points=points, wrong=wrong, remedy=remedy, reason=reason)


RULES: Final = (
    _rule(
        "link_broken",
        "a link cannot be read as an address",
        "write it like https://example.com/path",
        "it leads nowhere",
        level="blocker",
        points=0.5,
    ),
    _rule(
        "link_relative",
        "a link has no scheme and host",
        "write all of it, from https:// on",
        "a mail is no page of a site: it leads nowhere",
        level="blocker",
        points=0.5,
    ),
    _rule(
        "link_empty",
        "a link leads nowhere (it is empty, or #)",
        "give its address",
        "it is mostly forgotten",
    ),
    _rule(
        "link_script",
        "a link runs a script, or opens a file of the reader's",
        "link to a page instead",
        "programs that show mail take it out, and filters refuse it",
        level="blocker",
        points=3.0,
    ),
    _rule(
        "link_data",
        "a link has its content in itself (data:)",
        "link to a page instead",
        "browsers do not open it, and phishing hides in it",
        level="blocker",
        points=2.0,
    ),
    _rule(
        "link_insecure",
        "a link begins with http, not https",
        "write https",
        "browsers warn of it, and filters count it",
        points=0.2,
    ),
    _rule(
        "link_ip_host",
        "a link names its host by an IP address",
        "give the host a name",
        "it is typical of phishing: most filters refuse it",
        level="blocker",
        points=2.5,
    ),
    _rule(
        "link_local",
        "a link leads to a host that nobody reaches from outside",
        "write the public one",
        "it is left over from a test",
        level="blocker",
    ),
    _rule(
        "link_with_user",
        "a link has a name or password before its host (...@host)",
        "leave it out",
        "it is how phishing hides where a link leads; browsers refuse some of them",
        level="blocker",
        points=2.0,
    ),
    _rule(
        "link_shortened",
        "a link goes through a public shortener",
        "link to the page itself, or through a domain of your own",
        "spammers use them, so blocklists have them",
        points=1.5,
    ),
    _rule(
        "link_deceives",
        "a link shows another host than the one it leads to",
        "show words, or the host where it leads",
        "it is the mark of phishing: programs warn of it, and filters count it",
        level="blocker",
        points=2.5,
    ),
    _rule(
        "link_long",
        "a link has more than 2,000 characters",
        "shorten it",
        "some programs cut it off",
    ),
    _rule(
        "link_coded_host",
        "a link's host is written in letters beyond ASCII (xn--)",
        "see that its name cannot be taken for another one",
        "such hosts can look like others, and filters count them",
        points=0.5,
    ),
    _rule(
        "links_many",
        "there are more than 100 links",
        "leave those that matter",
        "filters look at each, and count many",
        points=0.5,
    ),
)


def _find(view: View) -> Iterator[Broken]:
    html = view.html
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for field, address in view.addresses:
        for code in _codes(address):
            found[code, field].append(address.written)
    for (code, field), examples in found.items():
        yield from several(code, field, examples)
    if html is None:
        return
    yield from several("link_deceives", "bodyHtml", list(_deceiving(view)))
    if len(html.links) > _MANY:
        yield Broken(code="links_many", field="bodyHtml", examples=(f"{len(html.links)} links",))


def _codes(address: WebAddress) -> Iterator[str]:
    match address.kind:
        case "broken" | "relative" | "script" | "data" | "empty":
            yield f"link_{address.kind}"
        case "web":
            if address.scheme == "http":
                yield "link_insecure"
            if address.is_local:
                yield "link_local"
            elif address.is_number:
                yield "link_ip_host"
            if address.has_user:
                yield "link_with_user"
            if address.host.removeprefix("www.") in SHORTENERS:
                yield "link_shortened"
            if address.host.startswith("xn--") or ".xn--" in address.host:
                yield "link_coded_host"
        case "other" | "anchor" | "variable":
            pass
    if len(address.written) > MAX_CHARACTERS:
        yield "link_long"


def _deceiving(view: View) -> Iterator[str]:
    """Links that show a host and lead to another. A sender's own host may stand for any: it counts clicks."""
    html = view.html
    assert html is not None
    own = {base_domain(each) for each in view.domains}
    for link in html.links:
        shown = _SHOWN_HOST.fullmatch(link.text)
        if shown is None or link.text.lower().endswith(_FILES):
            continue
        real = read_address(link.href)
        if real.kind != "web":
            continue
        is_same = base_domain(shown[1].lower()) == base_domain(real.host)
        if not is_same and base_domain(real.host) not in own:
            yield f"{link.text} -> {real.host}"


LINKS: Final = RulePart(title="Links", rules=RULES, find=_find)
