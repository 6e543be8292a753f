"""What an operator sees of the queue and does to it, as steps: the same for a running server and for a stopped one."""

from collections.abc import Iterator, Sequence
from typing import Final

from angarium.queue.act import NAMED_LIMIT, Act, Actor, Notify, Part, applies, part_of
from angarium.queue.administration import Progress
from angarium.queue.breakdown import Breakdown, BreakdownCount, Quality
from angarium.queue.destination import check_via
from angarium.queue.entry import (
    Affected,
    AffectedRecipient,
    CompiledFilter,
    EntryPage,
    FindProvider,
    QueueEntry,
    ShownMessage,
    refuse_empty,
)
from angarium.queue.event_log import Position
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.hold_rule import HoldRule, check_rule
from angarium.queue.lmdb.administration.acts import ActOn
from angarium.queue.lmdb.administration.bouncing import LOT_OCTETS, Bounce, Returned, read_returned
from angarium.queue.lmdb.administration.content_reading import NoteContentShown
from angarium.queue.lmdb.administration.entry_reading import EntryReader
from angarium.queue.lmdb.administration.rule_acts import AddRule, EndRule, WindUpRule, WoundUp
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.history import History
from angarium.queue.lmdb.keys import delivery_key
from angarium.queue.lmdb.records import MessageRecord, RecordError, decode_message, origin_of
from angarium.queue.lmdb.routes import read_route
from angarium.queue.lmdb.rule_cache import read_rules
from angarium.queue.lmdb.steps import Steps
from angarium.queue.lmdb.summary import read_summary
from angarium.queue.message_id import IdRange
from angarium.queue.model import Filter, MessageId, RouteHint
from angarium.queue.spool import Clock, UnknownHoldRuleError
from angarium.queue.summary import QueueSummary

# Recipients changed in one transaction. Some 5 ms: the event loop and the server's other processes wait meanwhile
ACT_LIMIT: Final = 200
# Who lets go of what a hold rule held when its time is over
KEEPER: Final = "angarium"


class Administering:
    """What returns Steps follows ``QueueAdministration``, which has the promises."""

    def __init__(self, env: QueueEnvironment, clock: Clock) -> None:
        self._env = env
        self._clock = clock
        self._entries = EntryReader(env)
        self.told_provider: FindProvider = lambda _: None

    def summary(self) -> QueueSummary:
        return read_summary(self._env)

    def show_content(self, message_id: MessageId, part: Part, by: Actor) -> Steps[bytes | None]:
        by = by.bounded()
        with self._env.read() as txn:
            content = txn.get(message_id, db=self._env.body)
        if content is None or not (yield NoteContentShown(message_id, part, by)):
            return None
        return part_of(content, part)

    def find_route(self, domain: str) -> RouteHint | None:
        return read_route(self._env, domain)

    def hold_rules(self) -> tuple[HoldRule, ...]:
        with self._env.read() as txn:
            return tuple(read_rules(txn, self._env)[0])

    def page(self, wanted: Filter, after: bytes | None, limit: int) -> Steps[EntryPage]:
        return self._entries.page(self._compile(wanted), after, limit)

    def show(self, message_id: MessageId) -> Steps[ShownMessage | None]:
        record = self._find_message(message_id)
        entries = self._entries.entries_of(message_id)
        events = yield from History(self._env).events_of(message_id)
        if record is None and not events:
            return None
        found = (each.event for each in events if isinstance(each.event, MessageAccepted))
        return _shown(message_id, record, next(found, None), entries, events)

    def find_messages(self, wanted: IdRange, limit: int) -> Steps[tuple[MessageId, ...]]:
        queued: list[bytes] = []
        with self._env.read() as txn:
            cursor = txn.cursor(self._env.message)
            more = cursor.set_range(wanted.first)
            while more and cursor.key() in wanted and len(queued) < limit:
                queued.append(cursor.key())
                more = cursor.next()
        past = yield from History(self._env).ids_in(wanted, limit)
        return tuple([MessageId(each) for each in sorted({*queued, *past})[:limit]])

    def act(
        self,
        act: Act,
        wanted: Filter,
        by: Actor,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
        via: str = "",
        rule: int = 0,
    ) -> Steps[Affected]:
        """``rule``: a hold is this rule's.

        Each transaction checks its recipients anew: what others did meanwhile wins.
        """
        refuse_empty(wanted)
        by = by.bounded()
        if act == "reroute":
            via = check_via(via)
        tally = _Tally(by, progress)
        for lot in self._lots(act, wanted, tally):
            if lot:
                tally.add(len(lot), lot if dry_run else (yield _act_on(act, lot, by, rule, via)))
            yield None
        return tally.affected()

    def bounce(
        self,
        wanted: Filter,
        by: Actor,
        notify: Notify,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> Steps[Affected]:
        refuse_empty(wanted)
        by = by.bounded()
        tally = _Tally(by, progress)
        for lot in self._lots("bounce", wanted, tally):
            if dry_run:
                tally.add(len(lot), lot)
                continue
            part: list[Returned] = []
            done: list[AffectedRecipient] = []
            for returned in read_returned(self._env, lot, by, notify, self._clock()):
                part.append(returned)
                if sum(each.octets for each in part) >= LOT_OCTETS:
                    done += yield Bounce(part, by)
                    part = []
            if part:
                done += yield Bounce(part, by)
            tally.add(len(lot), done)
            yield None
        return tally.affected()

    def _lots(self, act: Act, wanted: Filter, tally: "_Tally") -> Iterator[list[AffectedRecipient]]:
        """Yield the recipients that the act is for, ACT_LIMIT at most at a time, often none; count the others."""
        lot: list[AffectedRecipient] = []
        for matching in self._entries.scan(self._compile(wanted)):
            for _, entry in matching:
                if entry.state == "in_flight":
                    tally.in_flight += 1
                elif applies(act, entry.state == "held"):
                    lot.append(AffectedRecipient(id=entry.id, recipient=entry.recipient))
                else:
                    tally.unchanged += 1
            while len(lot) >= ACT_LIMIT:
                yield lot[:ACT_LIMIT]
                lot = lot[ACT_LIMIT:]
            yield []
        yield lot

    def add_hold_rule(self, rule: HoldRule, by: Actor) -> Steps[HoldRule]:
        by = by.bounded()
        added: HoldRule = yield AddRule(check_rule(rule, self._clock()), by)
        yield from self.act("hold", added.wanted, by, rule=added.id)
        return added

    def remove_hold_rule(self, rule_id: int, by: Actor, *, release: bool) -> Steps[Affected]:
        by = by.bounded()
        yield EndRule(rule_id, by, releases=release)
        tally = _Tally(by)
        yield from self._wind_up(rule_id, tally if release else _Tally(by))
        return tally.affected()

    def expire_hold_rules(self) -> Steps[int]:
        """End the rules whose time is over, and finish what a crash left of ending others; returns how many."""
        now = self._clock()
        with self._env.read() as txn:
            standing, ended = read_rules(txn, self._env)
        over = [rule for rule in standing if not rule.is_in_force(now)]
        for rule in over:
            by = Actor(who=KEEPER, reason=f"the time of hold rule {rule.id} is over")
            try:
                yield EndRule(rule.id, by, releases=True)
            except UnknownHoldRuleError:
                continue  # an operator was faster
        for rule in (*over, *ended):
            yield from self._wind_up(rule.id, _Tally(Actor(who=KEEPER)))
        return len(over) + len(ended)

    def _wind_up(self, rule_id: int, tally: "_Tally") -> Steps[None]:
        while True:
            wound: WoundUp = yield WindUpRule(rule_id)
            tally.add(len(wound.let_go), wound.let_go)
            if wound.is_done:
                return

    def _find_message(self, message_id: MessageId) -> MessageRecord | None:
        with self._env.read() as txn:
            raw = txn.get(message_id, db=self._env.message)
        try:
            return None if raw is None else decode_message(raw)
        except RecordError:
            return None  # its events are shown

    def breakdown(self, wanted: Filter, by: Quality, limit: int) -> Steps[Breakdown]:
        compiled = self._compile(wanted)
        count = BreakdownCount(by, self._clock(), self._provider_finder())
        for matching in self._entries.scan(compiled):
            for _, entry in matching:
                count.add(entry)
            yield None
        return count.breakdown(limit)

    def _compile(self, wanted: Filter) -> CompiledFilter:
        return CompiledFilter(wanted, self._clock(), self._provider_finder())

    def _provider_finder(self) -> FindProvider:
        """Return one that asks the queue once for each domain."""
        known: dict[str, str | None] = {}

        def find_provider(domain: str) -> str | None:
            if domain not in known:
                known[domain] = self.told_provider(domain)
                if known[domain] is None and (hint := read_route(self._env, domain)) is not None:
                    known[domain] = hint.provider
            return known[domain]

        return find_provider


class _Tally:
    """What an act has done so far."""

    def __init__(self, by: Actor, progress: Progress | None = None) -> None:
        self._by = by
        self._progress = progress
        self._named: list[AffectedRecipient] = []
        self._count = 0
        self.in_flight = 0
        self.unchanged = 0

    def add(self, tried: int, done: Sequence[AffectedRecipient]) -> None:
        self.in_flight += tried - len(done)  # an attempt has begun since we looked, or ended
        self._count += len(done)
        room = max(NAMED_LIMIT - len(self._named), 0)
        self._named.extend(done[:room])
        if self._progress is not None:
            self._progress(self._count)

    def affected(self) -> Affected:
        return Affected(
            count=self._count,
            named=tuple(self._named),
            in_flight=self.in_flight,
            unchanged=self.unchanged,
            who=self._by.who,
            reason=self._by.reason,
        )


def _act_on(act: Act, lot: Sequence[AffectedRecipient], by: Actor, rule: int, via: str) -> ActOn:
    return ActOn(act, [delivery_key(each.id) for each in lot], by, rule, via)


def _shown(
    message_id: MessageId,
    record: MessageRecord | None,
    accepted: MessageAccepted | None,
    entries: list[QueueEntry],
    events: list[Position],
) -> ShownMessage:
    header = accepted.message_id_header if accepted is not None else ""
    origin = accepted.origin if accepted is not None else None
    return ShownMessage(
        message_id=message_id,
        queued=record is not None,
        origin=origin if record is None else origin_of(record),
        message_id_header=header if record is None else record.message_id_header,
        header_from="" if record is None else record.header_from,
        entries=tuple(entries),
        events=tuple(events),
    )
