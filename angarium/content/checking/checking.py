"""All rules over one mail. Pure."""

from collections.abc import Mapping, Set
from typing import Final

from angarium.content.checking.amp_rules import AMP
from angarium.content.checking.authentication_rules import AUTHENTICATION
from angarium.content.checking.file_rules import FILES
from angarium.content.checking.header_rules import HEADER
from angarium.content.checking.html_rules import HTML
from angarium.content.checking.link_rules import LINKS
from angarium.content.checking.mail import Facts, Mail
from angarium.content.checking.picture_rules import PICTURES
from angarium.content.checking.preheader_rules import PREHEADER
from angarium.content.checking.rule import Broken, Finding, Rule, RulePart, finding_of
from angarium.content.checking.scan_rules import SCANS
from angarium.content.checking.sender_rules import SENDER
from angarium.content.checking.size_rules import SIZES
from angarium.content.checking.subject_rules import SUBJECT
from angarium.content.checking.text_rules import WORDS
from angarium.content.checking.unsubscribe_rules import UNSUBSCRIBE
from angarium.content.checking.view import View

PARTS: Final[tuple[RulePart, ...]] = (
    SENDER,
    AUTHENTICATION,
    SUBJECT,
    PREHEADER,
    UNSUBSCRIBE,
    WORDS,
    LINKS,
    PICTURES,
    HTML,
    AMP,
    SIZES,
    FILES,
    HEADER,
    SCANS,
)
RULES: Final[Mapping[str, Rule]] = {rule.code: rule for part in PARTS for rule in part.rules}
# Of what a mail alone says: these can be asked where nobody waits for DNS or other programs
OF_MAIL: Final = frozenset(
    rule.code for part in PARTS if part not in (AUTHENTICATION, SCANS) for rule in part.rules
)
MAX_FINDINGS: Final = 200


def check(mail: Mail, facts: Facts, only: Set[str] | None = None) -> tuple[Finding, ...]:
    """Return what is wrong, blockers first, at most MAX_FINDINGS. Never raises.

    ``only``: codes; no other rules are looked at, which costs less.
    """
    return check_view(View(mail, facts), only)


def check_view(view: View, only: Set[str] | None = None) -> tuple[Finding, ...]:
    """As ``check``, where the view is asked more afterwards."""
    found: list[Finding] = []
    for part in PARTS:
        if only is not None and only.isdisjoint([each.code for each in part.rules]):
            continue
        found += [
            finding(broken, is_bulk=view.facts.is_bulk)
            for broken in part.find(view)
            if only is None or broken.code in only
        ]
    return in_order(found)


def finding(broken: Broken, *, is_bulk: bool) -> Finding:
    """Raises KeyError: there is no such rule."""
    return finding_of(RULES[broken.code], broken, is_bulk=is_bulk)


def in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda each: each.level != "blocker")[:MAX_FINDINGS])


def check_rendered(
    *,
    subject: str,
    html: str | None,
    text: str | None,
    amp: str | None = None,
    preheader: str = "",
    is_bulk: bool = False,
) -> tuple[Finding, ...]:
    """Look at parts alone, as a template makes them: without sender, header and files."""
    mail = Mail(subject=subject, html=html, text=text, amp=amp, preheader=preheader)
    return check(mail, Facts(is_bulk=is_bulk, is_whole=False))
