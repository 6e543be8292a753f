"""What of a tenant's mail is looked at while it is sent, and what is refused for it. Pure values."""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from angarium.content.checking.rule import Finding

# off: nothing is looked at; hints: what is wrong is told with the answer; block: some of it is refused
CheckMode = Literal["off", "hints", "block"]
CHECK_MODES: Final[tuple[CheckMode, ...]] = ("off", "hints", "block")


class CheckPolicy(msgspec.Struct, frozen=True, kw_only=True):
    mode: CheckMode = "off"
    codes: tuple[str, ...] = ()  # of findings that are refused; empty: those of blockers

    def find_refused(self, findings: Iterable[Finding]) -> Finding | None:
        """Return the first that is refused; ``findings`` may be of more codes."""
        if self.mode != "block":
            return None
        for each in findings:
            if each.code in self.codes or (not self.codes and each.level == "blocker"):
                return each
        return None


NO_CHECK: Final = CheckPolicy()
