"""The queue as commands reach it: through the running server, or opened directly where none runs."""

import contextlib
import os
import pwd
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from angarium.cli.asking import answered, refusal_error
from angarium.cli.config_option import load_for_queue
from angarium.cli.exit import EX_TEMPFAIL, CommandError
from angarium.cli.queue.file import queue_errors
from angarium.host.owner import acting_as_owner
from angarium.insight.admin.client import AdminClient
from angarium.insight.admin.explaining import explain_served
from angarium.insight.admin.log_reads import LogQuery, LogSearched, SearchLog
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.queue_acts import (
    AddHoldRule,
    ListHoldRules,
    MoveStart,
    PerformAct,
    RemoveHoldRule,
)
from angarium.insight.admin.queue_reads import (
    PAGE_LIMIT,
    BreakDownQueue,
    FindMessages,
    ListEntries,
    ReadContent,
    ShowMessage,
    SummarizeQueue,
)
from angarium.insight.admin.quotas import AskQuotas
from angarium.insight.admin.suppressions import (
    SUPPRESSIONS_LISTED,
    AddSuppressions,
    ListSuppressions,
    RemoveSuppressions,
    SuppressedAddress,
)
from angarium.insight.explanation import Explanation
from angarium.queue import (
    Affected,
    DeliveryId,
    EntryPage,
    Filter,
    MessageId,
    QueueSummary,
    ShownMessage,
    Suppression,
    SuppressionFilter,
    SuppressionPage,
    UnixMs,
)
from angarium.queue.act import Act, Part
from angarium.queue.breakdown import Breakdown, Quality
from angarium.queue.entry import QueueEntry
from angarium.queue.hold_rule import HoldRule
from angarium.queue.quota import QuotaUse
from angarium.queue.reschedule import RescheduleOutcome
from angarium.service.data_dir import DataDir

# Ours: a process that is started anew, or a server that starts or stops, is waited for so long
PATIENCE_S: Final = 5.0
_POLL_S: Final = 0.05
_PLATFORM: Final = "platform-0"  # the process that answers about the queue
_PASSING: Final = frozenset({"not_running", "not_here", "stopping", "unanswered"})


class QueueAccess(Protocol):
    """What commands do. Blocks. Raises CommandError."""

    def summary(self) -> QueueSummary: ...

    def page(self, wanted: Filter, after: bytes | None, limit: int) -> EntryPage: ...

    def breakdown(self, wanted: Filter, by: Quality, limit: int) -> Breakdown: ...

    def find_messages(self, beginning: str) -> tuple[MessageId, ...]: ...

    def search_log(
        self, query: LogQuery, after: int | None, show: Callable[[Sequence[bytes]], object]
    ) -> LogSearched: ...

    def show(self, message_id: MessageId) -> ShownMessage: ...

    def content(
        self, message_id: MessageId, part: Part, reason: str, write: Callable[[bytes], object]
    ) -> None: ...

    def explain(self, message_id: MessageId, only: int | None) -> Explanation: ...

    def act(
        self,
        act: Act,
        wanted: Filter,
        reason: str,
        *,
        dry_run: bool,
        progress: Callable[[int], None],
        via: str = "",
    ) -> Affected: ...

    def reschedule(self, message_id: MessageId, due: UnixMs, reason: str) -> RescheduleOutcome: ...

    def quota_use(self, tenant: str) -> Sequence[QuotaUse]: ...

    def hold_rules(self) -> tuple[HoldRule, ...]: ...

    def add_hold_rule(self, rule: HoldRule, reason: str) -> HoldRule: ...

    def remove_hold_rule(self, rule_id: int, reason: str, *, release: bool) -> Affected: ...

    def suppressions(
        self, wanted: SuppressionFilter, after: bytes | None, limit: int
    ) -> SuppressionPage: ...

    def suppress(
        self, suppressions: Sequence[Suppression], reason: str, *, replaces: bool
    ) -> Sequence[bool]: ...

    def unsuppress(self, addresses: Sequence[SuppressedAddress], reason: str) -> Sequence[bool]: ...


@contextlib.contextmanager
def open_queue(config_file: Path) -> Iterator[QueueAccess]:
    """Reach the queue of a configuration. Raises CommandError, also when a server has it that does not answer."""
    config = load_for_queue(config_file)
    data_dir = DataDir(Path(config.server.data_dir))
    client = _connect(data_dir)
    if client is not None:
        with client:
            yield ServedQueue(client, data_dir.path)
        return
    with queue_errors(), acting_as_owner(data_dir.path):
        # Imported where it is used: twice what a command needs that asks the server
        from angarium.cli.queue.direct import DirectQueue

        direct = DirectQueue.open(config, _own_name())
        try:
            yield direct
        finally:
            direct.close()


def _own_name() -> str:
    """Of the real user: root may act as the queue's owner."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _connect(data_dir: DataDir) -> AdminClient | None:
    """Return a connection to who answers about the queue; None: no server has the directory. Raises CommandError."""
    end = time.monotonic() + PATIENCE_S
    while True:
        client = AdminClient.connect(data_dir.path, _PLATFORM)
        refused = client if isinstance(client, Refused) else client.ask(SummarizeQueue())
        if isinstance(client, AdminClient):
            if not isinstance(refused, Refused):
                return client
            client.close()
        assert isinstance(refused, Refused)
        if refused.reason not in _PASSING:
            raise refusal_error(refused)
        pid = data_dir.find_server()
        if pid is None:
            return None
        if time.monotonic() >= end:
            raise CommandError(
                f"a server (pid {pid}) uses {data_dir.path}, but it does not answer about its queue"
                f" ({refused.text}); nothing was done. If it has just been started, try again; else see its log",
                EX_TEMPFAIL,
            )
        time.sleep(_POLL_S)


class ServedQueue:
    """The queue of a running server: acts go through its committer."""

    def __init__(self, client: AdminClient, data_dir: Path) -> None:
        self._client = client
        self._data_dir = data_dir

    def summary(self) -> QueueSummary:
        return answered(self._client.ask(SummarizeQueue()))

    def page(self, wanted: Filter, after: bytes | None, limit: int) -> EntryPage:
        entries: list[QueueEntry] = []
        damaged: list[DeliveryId] = []
        while True:
            room = min(limit - len(entries), PAGE_LIMIT)
            question = ListEntries(wanted=wanted, after=after, limit=room)
            page = answered(self._client.ask(question))
            entries += page.entries
            damaged += page.damaged
            after = page.cursor
            if after is None or len(entries) >= limit:
                return EntryPage(tuple(entries), after, tuple(damaged))

    def breakdown(self, wanted: Filter, by: Quality, limit: int) -> Breakdown:
        return answered(self._client.ask(BreakDownQueue(wanted=wanted, by=by, limit=limit)))

    def find_messages(self, beginning: str) -> tuple[MessageId, ...]:
        return answered(self._client.ask(FindMessages(beginning=beginning))).ids

    def search_log(
        self, query: LogQuery, after: int | None, show: Callable[[Sequence[bytes]], object]
    ) -> LogSearched:
        question = SearchLog(query=query, after=after)
        return answered(self._client.ask(question, lambda item: show(item.lines)))

    def show(self, message_id: MessageId) -> ShownMessage:
        return answered(self._client.ask(ShowMessage(message_id=message_id))).shown()

    def content(
        self, message_id: MessageId, part: Part, reason: str, write: Callable[[bytes], object]
    ) -> None:
        question = ReadContent(message_id=message_id, part=part, reason=reason)
        answered(self._client.ask(question, write))

    def explain(self, message_id: MessageId, only: int | None) -> Explanation:
        return answered(explain_served(self._client, self._data_dir, message_id, only))

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
        question = PerformAct(act=act, wanted=wanted, reason=reason, dry_run=dry_run, via=via)
        return answered(self._client.ask(question, lambda item: progress(item.done)))

    def reschedule(self, message_id: MessageId, due: UnixMs, reason: str) -> RescheduleOutcome:
        question = MoveStart(message_id=message_id, due=due, reason=reason)
        return answered(self._client.ask(question)).outcome

    def quota_use(self, tenant: str) -> Sequence[QuotaUse]:
        return answered(self._client.ask(AskQuotas(tenant=tenant))).uses

    def hold_rules(self) -> tuple[HoldRule, ...]:
        return answered(self._client.ask(ListHoldRules())).rules

    def add_hold_rule(self, rule: HoldRule, reason: str) -> HoldRule:
        return answered(self._client.ask(AddHoldRule(rule=rule, reason=reason)))

    def remove_hold_rule(self, rule_id: int, reason: str, *, release: bool) -> Affected:
        question = RemoveHoldRule(rule_id=rule_id, reason=reason, release=release)
        return answered(self._client.ask(question))

    def suppressions(
        self, wanted: SuppressionFilter, after: bytes | None, limit: int
    ) -> SuppressionPage:
        found: list[Suppression] = []
        while True:
            room = min(limit - len(found), SUPPRESSIONS_LISTED)
            question = ListSuppressions(wanted=wanted, after=after, limit=room)
            page = answered(self._client.ask(question))
            found += page.suppressions
            after = page.cursor
            if after is None or len(found) >= limit:
                return SuppressionPage(tuple(found), after)

    def suppress(
        self, suppressions: Sequence[Suppression], reason: str, *, replaces: bool
    ) -> Sequence[bool]:
        question = AddSuppressions(
            suppressions=tuple(suppressions), replaces=replaces, reason=reason
        )
        return answered(self._client.ask(question)).done

    def unsuppress(self, addresses: Sequence[SuppressedAddress], reason: str) -> Sequence[bool]:
        question = RemoveSuppressions(addresses=tuple(addresses), reason=reason)
        return answered(self._client.ask(question)).done
