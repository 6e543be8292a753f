"""What is asked about the queue, and answered, in our dialect."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta

from angarium.api.native.shown import shown_struct
from angarium.api.native.wire import PAGE, Asked, Cursor, Limit, Time, TimeGiven, Wire
from angarium.insight.admin.rules import RuleNow
from angarium.insight.explanation import Explanation
from angarium.insight.traffic_table import ProviderRow
from angarium.mta.egress.narrowing import Narrowing
from angarium.queue import Filter, QueueSummary, UnixMs
from angarium.queue.act import ACTOR_CHARACTERS
from angarium.queue.breakdown import Breakdown, Quality
from angarium.queue.entry import AffectedRecipient, QueueEntry
from angarium.queue.hold_rule import HoldRule
from angarium.routing.host_name import canonical_address, canonical_name

ApiAct = Literal["hold", "release", "retry", "cancel"]
State = Literal["scheduled", "held", "in_flight"]
_MAX_VALUES: Final = 1000  # of one condition
_Text = Annotated[str, Meta(min_length=1, max_length=1000)]
_Texts = Annotated[tuple[_Text, ...], Meta(max_length=_MAX_VALUES)]
_Seconds = Annotated[int, Meta(ge=0, le=10 * 366 * 86_400)]

SUMMARY: Final = shown_struct(QueueSummary)
ENTRY: Final = shown_struct(QueueEntry)
BREAKDOWN: Final = shown_struct(Breakdown)
EXPLANATION: Final = shown_struct(Explanation)
RULE: Final = shown_struct(RuleNow)
HOLD_RULE: Final = shown_struct(HoldRule)
PROVIDER: Final = shown_struct(ProviderRow)
NARROWING: Final = shown_struct(Narrowing)
RECIPIENT: Final = shown_struct(AffectedRecipient)
if TYPE_CHECKING:  # they are made when this is imported
    ShownEntry: TypeAlias = Any
    ShownRule: TypeAlias = Any
    ShownHoldRule: TypeAlias = Any
    ShownProvider: TypeAlias = Any
    ShownNarrowing: TypeAlias = Any
    ShownRecipient: TypeAlias = Any
else:
    ShownEntry, ShownRule, ShownHoldRule = ENTRY.type, RULE.type, HOLD_RULE.type
    ShownProvider, ShownNarrowing, ShownRecipient = PROVIDER.type, NARROWING.type, RECIPIENT.type


class FilterAsked(Asked, frozen=True, kw_only=True):
    """Which recipients are meant: all given conditions must hold, of one with several values any of these."""

    tenants: _Texts = ()
    senders: _Texts = ()  # an address, or @domain; <> is the null sender
    recipients: _Texts = ()  # addresses
    domains: _Texts = ()  # of recipients
    providers: _Texts = ()  # mailbox providers, as far as they are known
    campaigns: _Texts = ()
    states: Annotated[tuple[State, ...], Meta(max_length=3)] = ()
    replies: _Texts = ()  # whose last attempt got a reply with this in it, * for anything
    # held by these hold rules
    held_by: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=2**53)], ...], Meta(max_length=_MAX_VALUES)
    ] = ()
    older_than_seconds: _Seconds | None = None  # accepted longer ago than this
    ids: _Texts = ()  # of messages <uuid>, or of recipients <uuid>.<n>

    def wanted(self) -> Filter:
        older = self.older_than_seconds
        return Filter(
            tenants=self.tenants,
            senders=tuple("" if each == "<>" else canonical_address(each) for each in self.senders),
            recipients=tuple(map(canonical_address, self.recipients)),
            domains=tuple(map(canonical_name, self.domains)),
            providers=self.providers,
            campaigns=self.campaigns,
            states=self.states,
            replies=self.replies,
            rules=self.held_by,
            older_than_ms=None if older is None else older * 1000,
            ids=self.ids,
        )


class EntriesAsked(FilterAsked, frozen=True, kw_only=True):
    """Each condition may be given several times."""

    cursor: Cursor = ""  # of the page before; omitted: the first page
    limit: Limit = PAGE  # how many at most


class BreakdownAsked(FilterAsked, frozen=True, kw_only=True):
    by: Quality = "domain"
    limit: Annotated[int, Meta(ge=1, le=1000)] = 20  # values named one by one


class ActAsked(Asked, frozen=True, kw_only=True):
    filter: FilterAsked
    # why, for the events of each recipient
    reason: Annotated[str, Meta(max_length=ACTOR_CHARACTERS)] = ""
    dry_run: bool = False  # only say what would be done


class HoldRuleAsked(Asked, frozen=True, kw_only=True):
    """Whose mail is held, now and when it comes: all given conditions must hold; at least one is given."""

    tenant: _Text | None = None
    sender: _Text | None = None  # an address, or @domain; <> is the null sender
    domain: _Text | None = None  # of recipients
    provider: _Text | None = None
    campaign: _Text | None = None
    until: TimeGiven | None = None  # then what it held is released; omitted: until it is undone
    reason: Annotated[str, Meta(max_length=ACTOR_CHARACTERS)] = ""


class ExplainAsked(Asked, frozen=True, kw_only=True):
    recipient: Annotated[int, Meta(ge=0, le=65534)] | None = None  # by its number; omitted: all


class UndoAsked(Asked, frozen=True, kw_only=True):
    # as the list has it; omitted: all of the rule
    scope: Annotated[str, Meta(max_length=1000)] = ""
    reason: Annotated[str, Meta(max_length=ACTOR_CHARACTERS)] = ""


class EntryList(Wire, frozen=True, kw_only=True):
    entries: Sequence[ShownEntry]
    cursor: str | None  # of the next page; null: there is none
    damaged: Sequence[str]  # recipients whose records cannot be read


class ActAnswer(Wire, frozen=True, kw_only=True):
    act: ApiAct
    dry_run: bool
    count: int  # recipients
    recipients: Sequence[ShownRecipient]  # the first of them
    in_flight: int  # matched, but being tried right now: left alone
    unchanged: int  # matched, and needed no change
    who: str
    reason: str


class RuleList(Wire, frozen=True, kw_only=True):
    rules: Sequence[ShownRule]  # newest first
    left_off: int  # more than are named
    unheard: Sequence[str]  # processes that did not say


class RulesEnded(Wire, frozen=True, kw_only=True):
    undone: Sequence[ShownRule]


class HoldRuleAdded(Wire, frozen=True, kw_only=True):
    name: str  # by which it is undone
    rule: ShownHoldRule


class TopAnswer(Wire, frozen=True, kw_only=True):
    """What goes where just now, by provider and source."""

    at: Time
    queue_counted_at: Time | None
    providers: Sequence[ShownProvider]  # those with most mail first
    holds: Sequence[ShownNarrowing]
    unheard: Sequence[str]  # why, of each process that has not said


def hold_rule_of(asked: HoldRuleAsked, until: UnixMs | None) -> HoldRule:
    sender = asked.sender
    return HoldRule(
        tenant=asked.tenant,
        sender="" if sender == "<>" else sender and canonical_address(sender),
        domain=asked.domain and canonical_name(asked.domain),
        provider=asked.provider,
        campaign=asked.campaign,
        until=until,
    )
