"""What other programs say of a mail: rspamd of spam, clamd of malware. Pure; who asks them hands their word over."""

from collections.abc import Iterator
from typing import Final

from angarium.content.checking.rule import Broken, Rule, RulePart
from angarium.content.checking.view import View

RULES: Final = (
    Rule(
        code="malware_found",
        level="blocker",
        wrong="there is malware in it",
        remedy="find out where it came from: it is not sent",
        reason="clamd has found it",
    ),
    Rule(
        code="malware_not_looked_for",
        wrong="it was not searched for malware",
        remedy="have the operator see to clamd; detail says what it answered",
        reason="clamd is configured and did not answer in time; `[check] clamd_failure` says whether that refuses mail",
    ),
    Rule(
        code="rspamd_rejects",
        level="blocker",
        wrong="rspamd takes it for spam, and would refuse it",
        remedy="see which of its symbols score",
        reason="receivers' filters look for the same",
    ),
    Rule(
        code="rspamd_suspects",
        wrong="rspamd takes it for likely spam",
        remedy="see which of its symbols score",
        reason="receivers' filters look for the same",
    ),
    Rule(
        code="rspamd_not_asked",
        wrong="rspamd was not asked",
        remedy="have the operator see to it; detail says what happened",
        reason="it is configured and did not answer in time; nothing is refused for that",
    ),
)


def _find(_view: View) -> Iterator[Broken]:
    yield from ()


SCANS: Final = RulePart(title="Other programs", rules=RULES, find=_find)
