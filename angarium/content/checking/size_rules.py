"""How large a mail is: what is clipped, what is refused. Pure."""

from collections.abc import Iterator
from typing import Final

from angarium.content.checking.rule import Broken, Rule, RulePart
from angarium.content.checking.view import View

# Of the HTML, decoded; Gmail says nowhere how it counts, and measurements come to this
CLIPPED: Final = 102_400
_NEAR: Final = 92_160
# What Gmail and Yahoo say of a message, encoded
LARGEST: Final = 26_214_400
_LARGE: Final = 10_485_760

RULES: Final = (
    Rule(
        code="html_clipped",
        in_bulk="blocker",
        points=0.5,
        wrong="the HTML has more than 102,400 octets",
        remedy="shorten it (styles, comments, pictures in data: addresses)",
        reason="Gmail clips what is longer: the end, with the link to unsubscribe, is seen by few",
    ),
    Rule(
        code="html_nearly_clipped",
        wrong="the HTML has more than 90 % of the 102,400 octets that Gmail shows",
        remedy="shorten it before it grows further",
        reason="links that are rewritten and a footer that is added make it longer",
    ),
    Rule(
        code="html_huge",
        points=1.0,
        wrong="the HTML is larger, or nested deeper, than what is checked",
        remedy="shorten it: what is behind that was not looked at",
        reason="programs that show mail stop somewhere, too",
    ),
    Rule(
        code="mail_too_large",
        level="blocker",
        wrong="the message has more than 25 MiB as it is sent",
        remedy="put files on a web server, and link to them",
        reason="Gmail, Yahoo and most others refuse it; files are a third longer when they are encoded",
    ),
    Rule(
        code="mail_large",
        wrong="the message has more than 10 MiB as it is sent",
        remedy="link to the files instead",
        reason="many companies' servers refuse it",
    ),
)


def _find(view: View) -> Iterator[Broken]:
    mail = view.mail
    if mail.html is not None:
        octets = len(mail.html) if mail.html.isascii() else len(mail.html.encode(errors="replace"))
        if octets > _NEAR:
            code = "html_clipped" if octets > CLIPPED else "html_nearly_clipped"
            yield Broken(code=code, field="bodyHtml", examples=(f"{octets} octets",))
        # Only what may be too large is read for it
        html = view.html if octets > _NEAR or mail.html.count("<") > 500 else None
        if html is not None and not html.is_whole:
            yield Broken(code="html_huge", field="bodyHtml")
    if mail.octets > _LARGE:
        code = "mail_too_large" if mail.octets > LARGEST else "mail_large"
        field = "attachments" if mail.files else "bodyHtml"
        yield Broken(code=code, field=field, examples=(f"{mail.octets} octets",))


SIZES: Final = RulePart(title="Size", rules=RULES, find=_find)
