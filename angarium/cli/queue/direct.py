"""The queue opened by the command itself, where no server runs."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from angarium.cli.asking import refusal_error
from angarium.cli.exit import (
    EX_UNAVAILABLE,
    EX_USAGE,
    CommandError,
)
from angarium.cli.queue.file import queue_path
from angarium.config.schema import Config
from angarium.insight.admin.log_reads import LogQuery, LogSearched
from angarium.insight.admin.queue_reads import (
    CANDIDATES,
    no_content,
    no_such_message,
    no_such_recipient,
)
from angarium.insight.admin.suppressions import SuppressedAddress
from angarium.insight.explain import explain_message, is_known
from angarium.insight.explanation import Explanation
from angarium.insight.filter_check import find_route_slip, find_slip
from angarium.queue import (
    Affected,
    DeliveryId,
    EntryPage,
    Filter,
    MessageId,
    QueueOperator,
    QueueSummary,
    ShownMessage,
    Suppress,
    Suppression,
    SuppressionFilter,
    SuppressionPage,
    UnixMs,
    Unsuppress,
)
from angarium.queue.act import Act, Actor, Part
from angarium.queue.breakdown import Breakdown, Quality
from angarium.queue.doorbell import DoorbellSender, doorbell_path
from angarium.queue.hold_rule import HoldRule
from angarium.queue.message_id import parse_id_beginning
from angarium.queue.quota import QuotaUse
from angarium.queue.reschedule import RescheduleOutcome
from angarium.queue.wall_clock import wall_clock
from angarium.routing.routing import Routing
from angarium.service.platform.mail_log_search import LogSearch, log_files
from angarium.service.platform.sender_notices import SenderNotices


class DirectQueue:
    """Implements queue_access.QueueAccess by the same operations that the server's committer runs."""

    def __init__(
        self, config: Config, operator: QueueOperator, bell: DoorbellSender, who: str
    ) -> None:
        self._config = config
        self._operator = operator
        self._bell = bell
        self._who = who

    @classmethod
    def open(cls, config: Config, who: str) -> "DirectQueue":
        """A server that has started meanwhile is rung at. Raises FileNotFoundError, PermissionError, QueueError."""
        data_dir, path = Path(config.server.data_dir), queue_path(config)
        processes = config.server.delivery_processes
        bell = DoorbellSender([doorbell_path(data_dir, each) for each in range(processes)])
        operator = QueueOperator.open(path, config.queue, wall_clock, bell.ring)
        operator.tell_providers(Routing.of(config).find_told_provider)
        return cls(config, operator, bell, who)

    def close(self) -> None:
        self._operator.close()
        self._bell.close()

    def summary(self) -> QueueSummary:
        return self._operator.summary()

    def page(self, wanted: Filter, after: bytes | None, limit: int) -> EntryPage:
        self._check(wanted)
        return self._operator.page(wanted, after, limit)

    def breakdown(self, wanted: Filter, by: Quality, limit: int) -> Breakdown:
        self._check(wanted)
        return self._operator.breakdown(wanted, by, limit)

    def find_messages(self, beginning: str) -> tuple[MessageId, ...]:
        return self._operator.find_messages(parse_id_beginning(beginning), CANDIDATES)

    def search_log(
        self, query: LogQuery, after: int | None, show: Callable[[Sequence[bytes]], object]
    ) -> LogSearched:
        """Nothing is written while no server runs: nothing can be followed."""
        if after is not None:
            raise CommandError("no server runs: nothing more will happen", EX_UNAVAILABLE)
        mail_log = self._config.log.mail_log
        files = log_files(mail_log, query.since) if mail_log and mail_log != "-" else []
        search = LogSearch(query, files, self._operator.read_events)
        first = search.first_in_files()
        if first is not None and search.is_of_queue(first):
            _show_all(search.events(0, first.sequence), show)
        _show_all(search.in_files(), show)
        _show_all(search.events(search.last_in_files()), show)
        return LogSearched(last=search.last, unread=search.unread)

    def show(self, message_id: MessageId) -> ShownMessage:
        shown = self._operator.show(message_id)
        if shown is None:
            raise refusal_error(no_such_message(message_id))
        return shown

    def content(
        self, message_id: MessageId, part: Part, reason: str, write: Callable[[bytes], object]
    ) -> None:
        by = Actor(who=self._who, reason=reason)
        content = self._operator.show_content(message_id, part, by)
        if content is None:
            raise refusal_error(no_content(message_id))
        write(content)

    def explain(self, message_id: MessageId, only: int | None) -> Explanation:
        shown = self.show(message_id)
        if only is not None and not is_known(shown, only):
            raise refusal_error(no_such_recipient(DeliveryId(message_id, only)))
        return explain_message(
            shown,
            self._config,
            self._operator.find_route,
            wall_clock(),
            rules=self.hold_rules(),
            find_suppression=self._operator.find_suppression,
            only=only,
        )

    def act(
        self,
        act: Act,
        wanted: Filter,
        reason: str,
        *,
        dry_run: bool,
        progress: Callable[[int], None],
        via: str = "",
    ) -> Affected:
        self._check(wanted)
        by = Actor(who=self._who, reason=reason)
        if act == "bounce":
            notices = SenderNotices(self._config, self._operator, wall_clock)
            return self._operator.bounce(wanted, by, notices, dry_run=dry_run, progress=progress)
        if act == "reroute" and (slip := find_route_slip(via, self._config)) is not None:
            raise CommandError(slip, EX_USAGE)
        return self._operator.act(act, wanted, by, dry_run=dry_run, progress=progress, via=via)

    def reschedule(self, message_id: MessageId, due: UnixMs, reason: str) -> RescheduleOutcome:
        return self._operator.reschedule(message_id, due, Actor(who=self._who, reason=reason))

    def quota_use(self, tenant: str) -> Sequence[QuotaUse]:
        return self._operator.quota_use(tenant)

    def hold_rules(self) -> tuple[HoldRule, ...]:
        return self._operator.hold_rules()

    def add_hold_rule(self, rule: HoldRule, reason: str) -> HoldRule:
        self._check(rule.wanted)
        return self._operator.add_hold_rule(rule, Actor(who=self._who, reason=reason))

    def remove_hold_rule(self, rule_id: int, reason: str, *, release: bool) -> Affected:
        by = Actor(who=self._who, reason=reason)
        return self._operator.remove_hold_rule(rule_id, by, release=release)

    def suppressions(
        self, wanted: SuppressionFilter, after: bytes | None, limit: int
    ) -> SuppressionPage:
        return self._operator.suppression_page(wanted, after, limit)

    def suppress(
        self, suppressions: Sequence[Suppression], reason: str, *, replaces: bool
    ) -> Sequence[bool]:
        by = Actor(who=self._who, reason=reason)
        return self._operator.change_suppressions(
            [Suppress(suppression=each, by=by, replaces=replaces) for each in suppressions]
        )

    def unsuppress(self, addresses: Sequence[SuppressedAddress], reason: str) -> Sequence[bool]:
        by = Actor(who=self._who, reason=reason)
        return self._operator.change_suppressions(
            [Unsuppress(email=each.email, scope=each.scope, by=by) for each in addresses]
        )

    def _check(self, wanted: Filter) -> None:
        if (slip := find_slip(wanted, self._config)) is not None:
            raise CommandError(slip, EX_USAGE)


def _show_all(parts: Iterable[list[bytes]], show: Callable[[Sequence[bytes]], object]) -> None:
    for lines in parts:
        show(lines)
