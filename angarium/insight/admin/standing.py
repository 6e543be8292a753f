"""How senders stand: figures, scores, who is paused, and which blocklists have us. Answered by the platform process."""

from typing import Final

import msgspec

from angarium.insight.admin.protocol import Question
from angarium.queue import Affected, UnixMs
from angarium.reputation.blocklists import Listing
from angarium.reputation.figures import Kind, Tally
from angarium.reputation.score import Score

# Ours, of one answer
SUBJECTS_LISTED: Final = 500


class PausedSender(msgspec.Struct, frozen=True, kw_only=True):
    tenant: str
    campaign: str  # "": all of the tenant's mail
    rule: int  # the hold rule
    since: UnixMs
    until: UnixMs | None
    why: str


class SubjectStanding(msgspec.Struct, frozen=True, kw_only=True):
    kind: Kind
    name: str  # of a path "ip1 at gmail", of a campaign "tenant/campaign"
    hour: Tally
    day: Tally
    week: Tally
    score: Score | None  # None: of a provider, which is not ours to be judged
    warning: str = ""  # over a limit, not yet stopped: in words with figures
    pause: PausedSender | None = None


class StandingNow(msgspec.Struct, frozen=True, kw_only=True):
    subjects: tuple[SubjectStanding, ...]  # by kind; of each the one that sent most this week first
    paused: tuple[PausedSender, ...]  # all of them
    left_off: int = 0  # more than are named


class AskStanding(Question[StandingNow, None], frozen=True, kw_only=True, tag="standing"):
    """Of one kind and name, or of all."""

    kind: Kind | None = None
    name: str = ""


class ResumeSender(Question[Affected, None], frozen=True, kw_only=True, tag="resume_sender"):
    """Ends the pause, and releases what it held. not_found: nobody of that name is paused."""

    tenant: str
    campaign: str = ""
    reason: str = ""


class Unanswered(msgspec.Struct, frozen=True, kw_only=True):
    zone: str
    why: str


class ListingsNow(msgspec.Struct, frozen=True, kw_only=True):
    enabled: bool
    checked_at: UnixMs | None  # None: not since the process began
    zones: tuple[str, ...]  # that are asked
    subjects: tuple[str, ...]  # addresses and domains that they are asked for
    listings: tuple[Listing, ...]
    removals: dict[str, str]  # zone -> where to ask for removal
    unanswered: tuple[Unanswered, ...]  # of these nothing is known: neither listed nor not


class AskListings(Question[ListingsNow, None], frozen=True, tag="listings"):
    check_now: bool = False  # have all be asked first; what DNS answers is remembered for its time
