"""Counts events for the metrics: in the one process that reads them all, so that accepting and delivering need not."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from angarium.feedback.attempts import class_text
from angarium.feedback.classes import BounceClass
from angarium.queue import (
    AttemptFailed,
    Bounced,
    Cancelled,
    Clicked,
    Damaged,
    Delivered,
    Event,
    EventCursor,
    Expired,
    Fetched,
    InDoubt,
    MessageAccepted,
    Opened,
    Position,
    RecipientSuppressed,
    Relayed,
    Skipped,
    message_id_ms,
)
from angarium.service.platform.provider_labels import OTHER, ProviderLabels
from angarium.telemetry.counted import Counted
from angarium.telemetry.metrics import (
    REPAIRS,
    STAGES,
    SUPPRESSION_REASONS,
    TLS_VERSIONS,
    VERDICTS,
    Metrics,
)
from angarium.tracking.judging import HONEYPOT, PICTURE

EVENT_COUNTS: Final = "metrics"
# Ours, of providers and outcomes: names that configurations of before had stay in the totals.
MAX_PROVIDER_COUNTS: Final = 600
_REASONS: Final = frozenset(SUPPRESSION_REASONS)
_STAGES: Final = frozenset(STAGES)
_FETCH_KINDS: Final = {PICTURE: "picture", HONEYPOT: "honeypot"}


class Totals(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What was counted since the queue was made."""

    messages: int = 0
    recipients: int = 0
    octets: int = 0
    in_doubt: int = 0
    damaged: int = 0
    outcomes: dict[str, int] = {}
    attempts: dict[str, int] = {}  # "stage reply"
    providers: dict[str, int] = {}  # "provider outcome"; a provider may have blanks
    delivery_times: dict[str, int] = {}  # by buckets' names
    delivery_s: float = 0.0  # their sum
    repairs: dict[str, int] = {}
    bounces: dict[str, int] = {}  # by class; "undetermined" where nothing says why
    suppressed: dict[str, int] = {}  # recipients, by reason
    fetches: dict[str, int] = {}  # by kind
    judged: dict[str, int] = {}  # "event verdict"
    tls: dict[str, int] = {}  # attempts that reached a host, by version

    def count(
        self, event: Event, labels: ProviderLabels, bucket_of: Callable[[float], str]
    ) -> None:
        match event:
            case MessageAccepted():
                self.messages += 1
                self.recipients += len(event.recipients)
                self.octets += event.size_octets
                for repair in event.repairs:
                    _add(self.repairs, repair if repair in REPAIRS else "other")
            case Delivered() | Relayed() | AttemptFailed() | Bounced() | Expired():
                _add(self.outcomes, event.name)
                stage = event.attempt.stage if event.attempt.stage in _STAGES else "other"
                reply = str(event.attempt.code)[0] if event.attempt.code else "none"
                reply = reply if reply in "245" else "none"
                _add(self.attempts, f"{stage} {reply}")
                if event.attempt.address:
                    version = event.attempt.tls or "none"
                    _add(self.tls, version if version in TLS_VERSIONS else "other")
                provider = labels.of(event.attempt.provider)
                _add(self.providers, f"{provider} {event.name}", MAX_PROVIDER_COUNTS)
                if isinstance(event, Bounced | Expired):
                    _add(self.bounces, class_text(event.attempt) or BounceClass.UNDETERMINED.value)
                if isinstance(event, Delivered | Relayed):
                    seconds = max(0, event.at - message_id_ms(event.message_id)) / 1000
                    _add(self.delivery_times, bucket_of(seconds))
                    self.delivery_s += seconds
                if isinstance(event, AttemptFailed) and (stage, reply) == ("final_dot", "none"):
                    self.in_doubt += 1  # the peer was gone before it answered the final dot
            case RecipientSuppressed():
                _add(self.outcomes, "suppressed")
                _add(self.suppressed, event.cause if event.cause in _REASONS else OTHER)
            case Skipped():
                _add(self.outcomes, "skipped")
            case Cancelled():
                _add(self.outcomes, "cancelled")
            case InDoubt():
                self.in_doubt += 1
            case Damaged():
                self.damaged += 1
            case Fetched():
                _add(self.fetches, _FETCH_KINDS.get(event.link_number, "link"))
            case Opened() | Clicked():
                verdict = event.verdict if event.verdict in VERDICTS else "none"
                _add(self.judged, f"{event.name} {verdict}")
            case _:
                pass  # what an operator did is in the mail log


class EventCounts:
    """An EventConsumer whose state is what it has counted.

    EC1: every event counts exactly once, whatever crashes: totals and cursor are written in one transaction, and
    counted on from there. The metrics are brought up to the totals; what a process that died had shown beyond them is
    reached again, not added again.
    """

    def __init__(self, metrics: Metrics, labels: ProviderLabels) -> None:
        self._metrics = metrics
        self._labels = labels
        self._shown: dict[str, Counted] = {}  # of Totals.providers
        self._totals = Totals()

    @property
    def name(self) -> str:
        return EVENT_COUNTS

    async def begin(self, cursor: EventCursor) -> int:
        self._totals = (
            msgspec.msgpack.decode(cursor.state, type=Totals) if cursor.state else Totals()
        )
        self._show()
        return cursor.position  # EC1

    async def handle(self, batch: Sequence[Position]) -> bytes:
        for each in batch:
            self._totals.count(each.event, self._labels, self._metrics.delivery_time.bucket_of)
        self._show()
        return msgspec.msgpack.encode(self._totals)

    def _show(self) -> None:
        totals, metrics = self._totals, self._metrics
        metrics.accepted_messages.reach(totals.messages)
        metrics.accepted_recipients.reach(totals.recipients)
        metrics.accepted_octets.reach(totals.octets)
        metrics.in_doubt.reach(totals.in_doubt)
        metrics.damaged.reach(totals.damaged)
        for outcome, number in totals.outcomes.items():
            metrics.outcomes[outcome].reach(number)
        for key, number in totals.attempts.items():
            stage, _, reply = key.partition(" ")
            metrics.attempts[stage, reply].reach(number)
        for key, number in totals.providers.items():
            if (counted := self._shown.get(key)) is None:
                provider, _, outcome = key.rpartition(" ")
                counted = self._shown[key] = metrics.provider_outcome(provider, outcome)
            counted.reach(number)
            counted.flush()
        metrics.delivery_time.reach(totals.delivery_times, totals.delivery_s)
        for bounce_class, number in totals.bounces.items():
            counted = self._metrics.bounces(bounce_class)
            counted.reach(number)
            counted.flush()
        for repair, number in totals.repairs.items():
            metrics.repairs[repair].reach(number)
        for reason, number in totals.suppressed.items():
            metrics.suppressed[reason].reach(number)
        for kind, number in totals.fetches.items():
            metrics.fetches[kind].reach(number)
        for version, number in totals.tls.items():
            metrics.tls[version].reach(number)
        for key, number in totals.judged.items():
            event, _, verdict = key.partition(" ")
            metrics.judged[event, verdict].reach(number)


def _add(counts: dict[str, int], key: str, limit: int = 10_000) -> None:
    if key not in counts and len(counts) >= limit:
        key = f"{OTHER} {key.rpartition(' ')[2]}"
    counts[key] = counts.get(key, 0) + 1
