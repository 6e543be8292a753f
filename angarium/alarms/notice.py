"""What is told of an alarm's group at once, to one target. Pure."""

from typing import Final, Literal

import msgspec

from angarium.alarms.alarm import Alarm
from angarium.alarms.raised import Raised
from angarium.config.alarms import SEVERITIES, Severity
from angarium.queue.model import UnixMs

NoticeKind = Literal["raised", "reminder", "ended", "test"]
# Ours, of each list of a notice: mails and chats have an end
NAMED: Final = 10


class Notice(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """On disk as it stands, until it is told: fields are only ever appended."""

    id: str
    target: str
    alarm: str
    kind: NoticeKind
    at: UnixMs
    raised: tuple[Raised, ...] = ()  # all that are; the worst first
    new: tuple[str, ...] = ()  # ids of those that this target hears of for the first time
    ended: tuple[Raised, ...] = ()  # since it was told last
    parts: tuple[Raised, ...] = ()  # raised too, and told of as parts of the whole only
    left_off: int = 0  # more than are named
    is_open: bool = True  # something of the alarm is raised, told of or not

    @property
    def severity(self) -> Severity:
        return worst_severity(self.raised or self.ended)

    @property
    def subjects_text(self) -> str:
        """Return where, in one line."""
        shown = [each.subject.text for each in self.raised or self.ended]
        more = len(shown) - 3
        return ", ".join(shown[:3]) + (f" and {more} more" if more > 0 else "")


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a notice is written with besides itself."""

    alarm: Alarm
    hostname: str
    runbooks: str  # before the page's name: a path, or a URL

    @property
    def runbook(self) -> str:
        return f"{self.runbooks.rstrip('/')}/{self.alarm.name}.md"


def worst_severity(raised: tuple[Raised, ...]) -> Severity:
    return max((each.severity for each in raised), key=SEVERITIES.index, default="warning")
