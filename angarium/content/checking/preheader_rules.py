"""What may be wrong with the line that lists of mail show behind the subject. Pure."""

from collections.abc import Iterator
from typing import Final

from angarium.content.checking.rule import Broken, Rule, RulePart
from angarium.content.checking.view import View

_LONG: Final = 150  # characters; ours: what wide windows show
_ENDS: Final = " .!"

RULES: Final = (
    Rule(
        code="preheader_missing",
        wrong="there is no preheader, the line that lists of mail show behind the subject",
        remedy="give preheader, or begin the HTML with a line that says what it is about",
        reason="else lists show the first words of the mail, such as 'View in browser'",
    ),
    Rule(
        code="preheader_long",
        wrong="the preheader is longer than 150 characters",
        remedy="shorten it",
        reason="lists show about a hundred",
    ),
    Rule(
        code="preheader_repeats_subject",
        wrong="the preheader says what the subject says",
        remedy="go on where the subject ends",
        reason="both stand side by side",
    ),
)


def _find(view: View) -> Iterator[Broken]:
    if view.html is None:
        return
    line = view.preheader
    if not line and view.facts.is_bulk:
        yield Broken(code="preheader_missing", field="preheader")
    if len(line) > _LONG:
        yield Broken(code="preheader_long", field="preheader", examples=(line,))
    if line and line.casefold().strip(_ENDS) == view.subject.casefold().strip(_ENDS):
        yield Broken(code="preheader_repeats_subject", field="preheader")


PREHEADER: Final = RulePart(title="Preheader", rules=RULES, find=_find)
