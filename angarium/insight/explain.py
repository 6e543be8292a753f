"""Finds what a message met at each gate, and what happens to it next. Pure."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from angarium.config.schema import Config
from angarium.config.streams import streams_by_name
from angarium.dkim import SigningDomains
from angarium.insight.admin.live import LiveFact
from angarium.insight.explanation import (
    Acceptance,
    Explanation,
    Happened,
    NextStep,
    RecipientExplanation,
    RouteFacts,
    Why,
)
from angarium.mta.egress.policy import domain_of
from angarium.mta.egress.pools import Pools
from angarium.queue import (
    Complained,
    DeliveryId,
    Event,
    InDoubt,
    MessageAccepted,
    OperatorReleased,
    OperatorRerouted,
    OperatorRetried,
    ReportBounced,
    Resubscribed,
    RouteHint,
    Suppression,
    UnixMs,
    Unsubscribed,
    message_id_ms,
)
from angarium.queue.act import POLICY
from angarium.queue.destination import destination_of, shown_way
from angarium.queue.entry import QueueEntry, ShownMessage
from angarium.queue.hold_rule import HoldRule
from angarium.routing.resolution import SiteName
from angarium.routing.routing import Routing

FindRoute = Callable[[str], RouteHint | None]
# address, tenant, stream, topic
FindSuppression = Callable[[str, str, str, str], Suppression | None]
_NO_CONNECTION = frozenset({"connect", "banner", "ehlo", "helo", "starttls", "auth"})  # stages


def _nobody(_address: str, _tenant: str, _stream: str, _topic: str) -> None:
    return None


def explain_message(
    shown: ShownMessage,
    config: Config,
    find_route: FindRoute,
    now: UnixMs,
    *,
    rules: Iterable[HoldRule] = (),
    find_suppression: FindSuppression = _nobody,
    only: int | None = None,
) -> Explanation:
    """Return what is known; ``only``: of one recipient. ``rules``: the hold rules there are."""
    ends = {rule.id: rule.until for rule in rules}
    entries = {entry.id.index: entry for entry in shown.entries}
    history: dict[int, list[Event]] = {}
    for position in shown.events:
        index = getattr(position.event, "index", None)
        if index is not None and index >= 0:  # -1: something came back, and nobody knows of whom
            history.setdefault(index, []).append(position.event)
    known = {*entries, *history}
    indexes = sorted(known if only is None else {only} & known)
    return Explanation(
        message_id=shown.message_id,
        at=now,
        acceptance=_acceptance(shown),
        recipients=tuple(
            _recipient(
                DeliveryId(shown.message_id, index),
                entries.get(index),
                history.get(index, []),
                config,
                find_route,
                ends,
                find_suppression,
            )
            for index in indexes
        ),
        unsigned=_unsigned(shown, config),
    )


def _unsigned(shown: ShownMessage, config: Config) -> str:
    domain = shown.header_from
    if not domain or SigningDomains.of(config.dkim).covers(domain):
        return ""
    if config.dkim.required:
        return f"no DKIM key for {domain}, and dkim.required is true: it waits until there is one"
    return f"no DKIM key for {domain}: postmaster dkim keygen"


def with_live(explanation: Explanation, facts: Iterable[LiveFact]) -> Explanation:
    """Return it with what delivery processes know of its recipients."""
    by_id = {each.id: each for each in facts}
    recipients = tuple(
        msgspec.structs.replace(each, live=by_id.get(each.id)) for each in explanation.recipients
    )
    return msgspec.structs.replace(explanation, recipients=recipients)


def is_known(shown: ShownMessage, index: int) -> bool:
    """Whether the message has that recipient, as far as the queue and its events still tell."""
    accepted = _find_acceptance(shown)
    return (
        (accepted is not None and index < len(accepted.recipients))
        or any(entry.id.index == index for entry in shown.entries)
        or any(getattr(p.event, "index", None) == index for p in shown.events)
    )


def _acceptance(shown: ShownMessage) -> Acceptance:
    accepted, origin = _find_acceptance(shown), shown.origin
    first = shown.entries[0] if shown.entries else None
    sender: str | None = None
    if accepted is not None:
        sender = accepted.reverse_path
    elif first is not None:
        sender = first.sender
    return Acceptance(
        at=accepted.at if accepted else message_id_ms(shown.message_id),
        listener=origin.text if origin else "",
        client=origin.client if origin else "",
        user=origin.user if origin else "",
        sender=sender,
        size_octets=accepted.size_octets if accepted else first.size_octets if first else 0,
        recipients=len(accepted.recipients) if accepted else None,
        message_id_header=accepted.message_id_header if accepted else shown.message_id_header,
        repairs=accepted.repairs if accepted else (),
    )


def _find_acceptance(shown: ShownMessage) -> MessageAccepted | None:
    return next((p.event for p in shown.events if isinstance(p.event, MessageAccepted)), None)


def _recipient(
    id_: DeliveryId,
    entry: QueueEntry | None,
    history: list[Event],
    config: Config,
    find_route: FindRoute,
    ends: Mapping[int, UnixMs | None],
    find_suppression: FindSuppression,
) -> RecipientExplanation:
    address = entry.recipient if entry else str(getattr(history[0], "recipient", ""))
    domain = entry.domain if entry else address.rpartition("@")[2].lower()
    return RecipientExplanation(
        id=id_,
        recipient=address,
        domain=domain,
        destination=entry.destination if entry else domain,
        route=_route(domain, entry, _chooser(history), config, find_route),
        history=tuple(_happened(each) for each in history),
        next=None if entry is None else _next_step(entry, history, config, ends),
        suppressed=find_suppression(address, entry.tenant, entry.stream, entry.topic)
        if entry
        else None,
    )


def _chooser(history: list[Event]) -> str:
    """Return who last sent it another way; "": nobody, as far as is known still."""
    rerouted = [each for each in history if isinstance(each, OperatorRerouted)]
    return rerouted[-1].actor if rerouted else ""


def _route(
    domain: str, entry: QueueEntry | None, chooser: str, config: Config, find_route: FindRoute
) -> RouteFacts:
    """``chooser``: of its way, if one was chosen for it; ""."""
    routing = Routing.of(config)
    via = entry.via if entry else ""
    route = routing.find_route(domain) if not via else None
    found = RouteFacts(
        rule=route.domain if route else None,
        via=shown_way(via) or (route.vias[0] if route else "mx"),
        pool=_pool(domain, entry, config, routing),
        is_chosen=bool(via),
        is_by_policy=bool(via) and chooser == POLICY,
    )
    hint = find_route(destination_of(domain, via))
    if hint is None:
        return found
    limits = routing.limits_of(hint.provider, SiteName(hint.site))
    return msgspec.structs.replace(
        found,
        site=hint.site,
        provider=hint.provider,
        partition=hint.partition,
        connections=limits.connections,
        messages_per_connection=limits.messages_per_connection,
        tls=limits.tls,
    )


def _happened(event: Event) -> Happened:
    return Happened(
        at=event.at,
        event=event.name,
        attempts=getattr(event, "attempts", 0),
        attempt=getattr(event, "attempt", None),
        who=getattr(event, "actor", ""),
        reason=getattr(event, "reason", "") or _came_back(event),
        rule=getattr(event, "rule", 0),
        via=getattr(event, "via", ""),
    )


class _Sent(msgspec.Struct, frozen=True, kw_only=True):
    """``mta.egress.pools.Sent``."""

    tenant: str
    stream: str
    sender_domain: str
    domain: str


def _pool(domain: str, entry: QueueEntry | None, config: Config, routing: Routing) -> str:
    """Return the pool of the sources that it leaves by."""
    pools = Pools(config.source, config.pool, routing, config.server.hostname, config.stream)
    return pools.pool_of(
        _Sent(
            tenant=entry.tenant if entry else "",
            stream=entry.stream if entry else "",
            sender_domain=domain_of(entry.sender) if entry else "",
            domain=domain,
        )
    )


def _came_back(event: Event) -> str:
    match event:
        case ReportBounced():
            return f"{event.bounce_class}: {event.reply}"
        case Complained():
            return event.feedback_type
        case Unsubscribed():
            return f"by {event.how}"
        case Resubscribed():
            return event.scope
        case _:
            return ""


def _next_step(
    entry: QueueEntry, history: list[Event], config: Config, ends: Mapping[int, UnixMs | None]
) -> NextStep:
    step = NextStep(
        state=entry.state,
        partition=entry.partition,
        due=entry.due,
        attempts=entry.attempts,
        rule=entry.rule,
        held_until=ends.get(entry.rule),
        expires=entry.expires,
        tells_sender=bool(entry.sender),
    )
    if entry.state != "scheduled":
        return step
    why = _why(entry, history)
    step = msgspec.structs.replace(step, why=why)
    if why != "schedule":
        return step
    usual, schedule = _schedule(entry, config)
    return msgspec.structs.replace(
        step,
        schedule=schedule,
        waited_ms=entry.due - entry.last.at if entry.last else None,
        step_ms=int(usual[min(entry.attempts, len(usual)) - 1] * 1000),
        jitter=config.delivery.retry_jitter,
    )


def _schedule(entry: QueueEntry, config: Config) -> tuple[tuple[float, ...], str]:
    """Return the delays that it goes by, and whose they are: in the order of ``mta.record.retry``."""
    stream = streams_by_name(config.stream).get(entry.stream)
    if stream is not None and stream.retry_s:
        return stream.retry_s, f"retry_s of stream {entry.stream}"
    provider = "" if entry.last is None else entry.last.provider
    if provider:
        own = Routing.of(config).limits_of(provider, SiteName(provider)).retry_s
        if own:
            return own, f"retry_s of provider {provider}"
    return config.delivery.retry_s, "delivery.retry_s"


def _why(entry: QueueEntry, history: list[Event]) -> Why:
    """Why it is tried at that time and not another."""
    last = history[-1] if history else None
    if isinstance(last, OperatorRetried):
        return "operator_retried"
    if isinstance(last, OperatorRerouted):
        return "operator_rerouted"
    if isinstance(last, OperatorReleased):
        return "operator_released"
    if isinstance(last, InDoubt):
        return "in_doubt"
    if entry.attempts == 0:
        return "start" if entry.not_before and entry.last is None else "first"
    if entry.last is not None and entry.last.stage in _NO_CONNECTION:
        return "site_down"
    return "schedule"
