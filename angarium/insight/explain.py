"""Says in words what a message met at each gate, and what happens to it next. Pure."""

from collections.abc import Callable, Iterator

from angarium.config.schema import Config
from angarium.insight.units import count_text, octets_text, span_text, time_text
from angarium.queue import (
    Attempt,
    AttemptFailed,
    Bounced,
    Cancelled,
    Delivered,
    Event,
    Expired,
    HoldRuleAdded,
    HoldRuleRemoved,
    InDoubt,
    MessageAccepted,
    OperatorHeld,
    OperatorReleased,
    OperatorRetried,
    Relayed,
    RouteHint,
    UnixMs,
    UnknownEvent,
    message_id_ms,
    message_id_text,
)
from angarium.queue.entry import QueueEntry, ShownMessage
from angarium.routing.provider_table import ProviderTable
from angarium.routing.resolution import SiteName
from angarium.routing.route_table import RouteTable

FindRoute = Callable[[str], RouteHint | None]
_NO_CONNECTION = frozenset({"connect", "banner", "ehlo", "helo", "starttls", "auth"})  # stages


def explain_message(
    shown: ShownMessage, config: Config, find_route: FindRoute, now: UnixMs, only: int | None
) -> list[str]:
    """Return the lines of the explanation; ``only``: of one recipient."""
    lines = list(_acceptance(shown))
    entries = {entry.id.index: entry for entry in shown.entries}
    history: dict[int, list[Event]] = {}
    for position in shown.events:
        index = getattr(position.event, "index", None)
        if index is not None:
            history.setdefault(index, []).append(position.event)
    indexes = sorted({*entries, *history} if only is None else {only} & {*entries, *history})
    for index in indexes:
        lines.append("")
        lines += _recipient(entries.get(index), history.get(index, []), config, find_route, now)
    if not indexes:
        lines += ["", "Nothing has happened to its recipients that is still known."]
    return lines


def is_known(shown: ShownMessage, index: int) -> bool:
    """Whether the message has that recipient, as far as the queue and its events still tell."""
    accepted = next((p.event for p in shown.events if isinstance(p.event, MessageAccepted)), None)
    return (
        (accepted is not None and index < len(accepted.recipients))
        or any(entry.id.index == index for entry in shown.entries)
        or any(getattr(p.event, "index", None) == index for p in shown.events)
    )


def _acceptance(shown: ShownMessage) -> Iterator[str]:
    yield f"Message {message_id_text(shown.message_id)}"
    accepted = next((p.event for p in shown.events if isinstance(p.event, MessageAccepted)), None)
    at = accepted.at if accepted else message_id_ms(shown.message_id)
    origin = shown.origin
    by = ""
    if origin is not None:
        client = f" from {origin.client}" if origin.client else ""
        user = f", logged in as {origin.user}" if origin.user else ""
        by = f" by {origin.text}{client}{user}"
    yield f"Accepted {time_text(at)}{by}."
    if accepted is not None:
        yield (
            f"Sender <{accepted.reverse_path}>, {octets_text(accepted.size_octets)},"
            f" {count_text(len(accepted.recipients), 'recipient')},"
            f" Message-ID {accepted.message_id_header or '(none)'}."
        )
    elif shown.entries:
        first = shown.entries[0]
        yield f"Sender <{first.sender}>, {octets_text(first.size_octets)}."


def _recipient(
    entry: QueueEntry | None,
    history: list[Event],
    config: Config,
    find_route: FindRoute,
    now: UnixMs,
) -> Iterator[str]:
    address = entry.recipient if entry else str(getattr(history[0], "recipient", ""))
    domain = entry.domain if entry else address.rpartition("@")[2].lower()
    yield f"Recipient <{address}>"
    yield "  route: " + _route(domain, config, find_route)
    for event in history:
        yield "  " + _event(event)
    if entry is None:
        yield "  now: out of the queue; nothing more will happen."
        return
    yield "  now: " + _state(entry, history, config, now)
    yield f"  expires: {time_text(entry.expires)} ({_expiry(entry, now)})."


def _expiry(entry: QueueEntry, now: UnixMs) -> str:
    told = "its sender is told" if entry.sender else "nobody is told: its sender is <>"
    if entry.state == "held":
        when = f"in {span_text(entry.expires - now)}" if entry.expires > now else "it has passed"
        return f"{when}, but what is held stays: a release is for one last attempt then"
    if entry.expires > now:
        return f"in {span_text(entry.expires - now)}; then {told}"
    return f"with the next attempt, if that fails; then {told}"


def _route(domain: str, config: Config, find_route: FindRoute) -> str:
    route = RouteTable(config.route).find(domain)
    if route is None:
        text = "no [[route]] matches: to the domain's MX hosts, pool default"
    else:
        where = "its MX hosts" if route.via == "mx" else f"the smart host {route.via}"
        text = f'[[route]] domain = "{route.domain}": to {where}, pool {route.pool}'
    hint = find_route(domain)
    if hint is None:
        return text + "; not resolved yet."
    limits = ProviderTable(config.provider).limits_of(hint.provider, SiteName(hint.site))
    return (
        f"{text}; site {hint.site}, provider {hint.provider} (partition {hint.partition}):"
        f" at most {count_text(limits.connections, 'connection')} per source,"
        f" {count_text(limits.messages_per_connection, 'message')} each, TLS {limits.tls}."
    )


def _event(event: Event) -> str:
    at = time_text(event.at)
    match event:
        case Delivered():
            return f"{at}: delivered: {_attempt(event.attempt)}"
        case Relayed():
            return f"{at}: taken by the smart host: {_attempt(event.attempt)}"
        case AttemptFailed():
            return f"{at}: attempt {event.attempts} failed for now: {_attempt(event.attempt)}"
        case Bounced():
            return f"{at}: refused for good: {_attempt(event.attempt)}"
        case Expired():
            attempts = count_text(event.attempts, "attempt")
            return f"{at}: given up after {attempts}: {_attempt(event.attempt)}"
        case InDoubt():
            return (
                f"{at}: in doubt: the server died during an attempt, which may have delivered it;"
                " it is tried again"
            )
        case OperatorHeld():
            return f"{at}: held by {_actor(event)}"
        case OperatorReleased():
            return f"{at}: released by {_actor(event)}"
        case OperatorRetried():
            return f"{at}: an attempt at once was asked for by {_actor(event)}"
        case Cancelled():
            return f"{at}: cancelled by {_actor(event)}"
        case MessageAccepted():
            return f"{at}: accepted"
        case HoldRuleAdded() | HoldRuleRemoved() | UnknownEvent():
            return f"{at}: {event.name}"


def _actor(event: OperatorHeld | OperatorReleased | OperatorRetried | Cancelled) -> str:
    """Who did it and why, as far as that is known."""
    rule = getattr(event, "rule", 0)
    by = f"hold rule {rule} of " if rule and isinstance(event, OperatorHeld) else ""
    who = event.actor or "an operator"
    return f"{by}{who}: {event.reason}" if event.reason else by + who


def _attempt(attempt: Attempt) -> str:
    host = attempt.host or "no host was reached"
    if attempt.address and attempt.address != attempt.host:
        host += f" [{attempt.address}]"
    source = f" from source {attempt.source}" if attempt.source else ""
    tls = ""
    if attempt.host and attempt.code:  # a code without a host is a finding of ours
        tls = f" over {attempt.tls}" if attempt.tls else " in the clear"
    text = attempt.text
    if attempt.code and not text.startswith(str(attempt.code)):
        text = f"{attempt.code} {text}"
    stage = f", at {attempt.stage}" if attempt.stage else ""
    return f"{host}{source}{tls}{stage}: {text}"


def _state(entry: QueueEntry, history: list[Event], config: Config, now: UnixMs) -> str:
    match entry.state:
        case "held":
            return (
                "held: nothing happens until `postmaster queue release`; it was due"
                f" {time_text(entry.due)}."
            )
        case "in_flight":
            return f"being tried right now (attempt {entry.attempts + 1})."
        case "scheduled":
            when = (
                f"in {span_text(entry.due - now)}"
                if entry.due > now
                else "as soon as a place is free"
            )
            return f"waits; next attempt {time_text(entry.due)} ({when}), {_why(entry, history, config)}."


def _why(entry: QueueEntry, history: list[Event], config: Config) -> str:
    """Why it is tried at that time and not another."""
    last = history[-1] if history else None
    if isinstance(last, OperatorRetried):
        return "because an operator asked for it"
    if isinstance(last, OperatorReleased):
        return "because an operator released it"
    if isinstance(last, InDoubt):
        return "because its last attempt ended in doubt"
    if entry.attempts == 0:
        return "which is the first: it waits only for a free connection, within the limits of its provider"
    if entry.last is not None and entry.last.stage in _NO_CONNECTION:
        return (
            f"after attempt {entry.attempts} found no host of its site that takes a connection;"
            " such a site is asked again after a minute at most, and what is due before is deferred"
            " without another try"
        )
    usual = config.delivery.retry_s
    step = usual[min(entry.attempts, len(usual)) - 1]
    jitter = config.delivery.retry_jitter * 100
    waited = span_text(entry.due - entry.last.at) if entry.last else "?"
    return (
        f"{waited} after attempt {entry.attempts}: delivery.retry_s has {span_text(int(step * 1000))}"
        f" there (+- {jitter:.0f} %); greylisting, a failing site or the expiry may shift it"
    )
