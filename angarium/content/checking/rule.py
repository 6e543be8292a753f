"""What a rule says, and where a mail breaks it. Pure values."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Literal

import msgspec

if TYPE_CHECKING:
    from angarium.content.checking.view import View

# blocker: the mail should not be sent as it is; hint: it would be better otherwise
Level = Literal["blocker", "hint"]
EXAMPLES: Final = 5  # that a finding shows
_SHOWN: Final = 80  # characters of an example


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    code: str  # for programs: it never changes its meaning
    level: Level = "hint"
    in_bulk: Level | None = None  # in streams of bulk mail, if that is another one
    points: float = 0.0  # of the spam score; 5 are likely spam
    wrong: str  # what is wrong, as the beginning of a sentence
    remedy: str  # what to do
    reason: str  # why it matters, for the documentation


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A rule is broken, once or several times at one place."""

    code: str
    # Of the request: subject, bodyHtml, attachments[0].filename, headers.List-Unsubscribe
    field: str
    examples: tuple[str, ...] = ()
    count: int = 1
    level: Level | None = None  # None: the rule's


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a client is told of a rule that is broken."""

    code: str
    level: Level
    field: str
    message: str  # what is wrong and what to do
    detail: str = ""  # what was found, shortened
    points: float = 0.0  # of the spam score


class RulePart(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one part of a mail, and what finds where they are broken."""

    title: str  # of the part, for the documentation
    rules: Sequence[Rule]
    find: "Callable[[View], Iterator[Broken]]"


def finding_of(rule: Rule, broken: Broken, *, is_bulk: bool) -> Finding:
    usual = rule.in_bulk if is_bulk and rule.in_bulk is not None else rule.level
    shown = ", ".join(map(shortened, broken.examples[:EXAMPLES]))
    more = broken.count - min(len(broken.examples), EXAMPLES)
    if shown and more > 0:
        shown += f" and {more} more"
    return Finding(
        code=rule.code,
        level=broken.level or usual,
        field=broken.field,
        message=f"{rule.wrong}: {rule.remedy}",
        detail=shown,
        points=rule.points,
    )


def several(code: str, field: str, examples: Sequence[str]) -> Iterator[Broken]:
    """Yield one for all examples; nothing where there are none."""
    if examples:
        shown = tuple(dict.fromkeys(examples))[:EXAMPLES]
        yield Broken(code=code, field=field, examples=shown, count=len(examples))


def shortened(text: str) -> str:
    """Return it as one line that can be printed."""
    line = "".join(each if each.isprintable() else " " for each in text[: _SHOWN + 1])
    return f"{line[:_SHOWN]}..." if len(text) > _SHOWN else line
