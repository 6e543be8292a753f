"""The header of a message that its sender wrote: what is missing there, and what receivers take amiss. Pure."""

from collections.abc import Iterator
from email.utils import mktime_tz, parsedate_tz
from typing import Final

from angarium.content.checking.rule import Broken, Rule, RulePart
from angarium.content.checking.view import View

_DAY_S: Final = 86_400

RULES: Final = (
    Rule(
        code="header_wrong",
        level="blocker",
        points=2.0,
        wrong="the header cannot be read in one way",
        remedy="mend what detail says",
        reason="each reader would take it for something else; it is refused when it is sent",
    ),
    Rule(
        code="mime_wrong",
        points=1.0,
        wrong="the parts of the message cannot be read as its header says",
        remedy="build it by a library",
        reason="programs show garbage, and filters count it",
    ),
    Rule(
        code="line_too_long",
        level="blocker",
        points=0.5,
        wrong="a line has more than 998 octets",
        remedy="encode the part as quoted-printable or base64",
        reason="RFC 5322 section 2.1.1: servers refuse it, or break the line and the signature",
    ),
    Rule(
        code="charset_wrong",
        points=0.5,
        wrong="a text is not in the charset that it names",
        remedy="write UTF-8, and name it",
        reason="letters are shown as signs",
    ),
    Rule(
        code="date_wrong",
        points=1.5,
        wrong="Date is no date, or more than a day from now",
        remedy="leave it out: the server writes it",
        reason="lists of mail sort by it, and filters count it",
    ),
    Rule(
        code="mime_version_missing",
        wrong="there is no MIME-Version",
        remedy="write MIME-Version: 1.0",
        reason="RFC 2045 section 4 asks for it",
    ),
)


def _find(view: View) -> Iterator[Broken]:
    own = frozenset(each.code for each in RULES)
    yield from (each for each in view.mail.faults if each.code in own)
    if not view.mail.is_raw:
        return
    names = {name.lower() for name, _ in view.mail.fields}
    if "content-type" in names and "mime-version" not in names:
        yield Broken(code="mime_version_missing", field="headers.MIME-Version")
    for date in view.mail.values("date")[:1]:
        if not _is_near(date, view.facts.now_s):
            yield Broken(code="date_wrong", field="headers.Date", examples=(date,))


def _is_near(date: str, now_s: int | None) -> bool:
    try:
        parsed = parsedate_tz(date[:200])
        at = None if parsed is None else mktime_tz(parsed)
    except (ValueError, OverflowError, TypeError, IndexError):
        at = None
    return at is not None and (now_s is None or abs(at - now_s) <= _DAY_S)


HEADER: Final = RulePart(title="Messages written elsewhere", rules=RULES, find=_find)
