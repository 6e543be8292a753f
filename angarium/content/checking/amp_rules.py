"""The AMP part: what it must have to be shown. Pure; a validator of AMP says more."""

from collections.abc import Iterator
from typing import Final

from angarium.content.checking.html_reading import read_html
from angarium.content.checking.rule import Broken, Rule, RulePart
from angarium.content.checking.view import View

_LARGEST: Final = 204_800  # octets
_ELEMENTS: Final = ("img", "video", "audio", "iframe", "object", "embed", "form-")

RULES: Final = (
    Rule(
        code="amp_wrong",
        wrong="the AMP part lacks what makes it AMP",
        remedy="begin with <!doctype html><html \u26a14email>, load https://cdn.ampproject.org/v0.js, and have the"
        " style amp4email-boilerplate",
        reason="Gmail, Yahoo and Mail.ru show the HTML instead",
    ),
    Rule(
        code="amp_too_large",
        wrong="the AMP part has more than 200 KB",
        remedy="shorten it",
        reason="Gmail shows the HTML instead",
    ),
    Rule(
        code="amp_alone",
        level="blocker",
        wrong="there is AMP, and no HTML",
        remedy="give bodyHtml, too",
        reason="most programs, and whoever forwards the mail, show the HTML",
    ),
    Rule(
        code="amp_element",
        wrong="the AMP part has an element that AMP does not know",
        remedy="write amp-img for img, and so on",
        reason="Gmail, Yahoo and Mail.ru show the HTML instead",
    ),
)


def _find(view: View) -> Iterator[Broken]:
    amp = view.mail.amp
    if not amp:
        return
    if view.mail.html is None:
        yield Broken(code="amp_alone", field="bodyAmp")
    if len(amp.encode(errors="replace")) > _LARGEST:
        yield Broken(code="amp_too_large", field="bodyAmp")
    read = read_html(amp)
    head = amp[:_LARGEST].lower()
    lacking = [
        what
        for what, is_there in (
            ("<html \u26a14email>", read.is_amp),
            ("https://cdn.ampproject.org/v0.js", "https://cdn.ampproject.org/v0.js" in head),
            ("amp4email-boilerplate", "amp4email-boilerplate" in head),
        )
        if not is_there
    ]
    if lacking:
        yield Broken(code="amp_wrong", field="bodyAmp", examples=tuple(lacking))
    unknown = tuple([f"<{each}>" for each in _ELEMENTS if each in read.tags])
    if unknown:
        yield Broken(code="amp_element", field="bodyAmp", examples=unknown)


AMP: Final = RulePart(title="AMP", rules=RULES, find=_find)
