"""One thing that is wrong with a mail, as our dialect tells it. Plain values."""

from collections.abc import Sequence

import msgspec

from angarium.content.checking.rule import Finding, Level


class FindingShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing that is wrong."""

    code: str  # for programs; docs/findings.md has all of them
    level: Level  # blocker: do not send it like this; hint: it would be better otherwise
    field: str  # of the request
    message: str  # what is wrong and what to do
    detail: str  # what was found; "": nothing more
    points: float  # of the spam score


def shown_findings(findings: Sequence[Finding]) -> tuple[FindingShown, ...]:
    return tuple([FindingShown(**msgspec.structs.asdict(each)) for each in findings])
