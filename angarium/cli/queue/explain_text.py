"""An explanation in words, line by line. Pure."""

from collections.abc import Iterator
from typing import assert_never

from angarium.feedback.attempts import class_text
from angarium.insight.admin.live import LiveFact
from angarium.insight.explanation import (
    Acceptance,
    Explanation,
    Happened,
    NextStep,
    RecipientExplanation,
    RouteFacts,
)
from angarium.insight.units import count_text, octets_text, span_text, time_text
from angarium.queue import Attempt, Suppression, UnixMs, message_id_text


def explanation_lines(explanation: Explanation) -> list[str]:
    lines = [
        f"Message {message_id_text(explanation.message_id)}",
        *_acceptance(explanation.acceptance),
    ]
    if explanation.unsigned:
        lines.append(f"Not signed: {explanation.unsigned}.")
    for each in explanation.recipients:
        lines += ["", *_recipient(each, explanation.at)]
    if not explanation.recipients:
        lines += ["", "Nothing has happened to its recipients that is still known."]
    return lines


def _acceptance(acceptance: Acceptance) -> Iterator[str]:
    by = ""
    if acceptance.listener:
        client = f" from {acceptance.client}" if acceptance.client else ""
        user = f", logged in as {acceptance.user}" if acceptance.user else ""
        by = f" by {acceptance.listener}{client}{user}"
    yield f"Accepted {time_text(acceptance.at)}{by}."
    if acceptance.sender is None:
        return
    sender = f"Sender <{acceptance.sender}>, {octets_text(acceptance.size_octets)}"
    if acceptance.recipients is None:
        yield f"{sender}."
    else:
        yield (
            f"{sender}, {count_text(acceptance.recipients, 'recipient')},"
            f" Message-ID {acceptance.message_id_header or '(none)'}."
        )
    if acceptance.repairs:
        yield f"Mended before it was queued: {', '.join(acceptance.repairs)}."


def _recipient(recipient: RecipientExplanation, now: UnixMs) -> Iterator[str]:
    yield f"Recipient <{recipient.recipient}>"
    yield "  route: " + _route(recipient.route)
    for happened in recipient.history:
        yield f"  {time_text(happened.at)}: {_event(happened)}"
    step = recipient.next
    if step is None:
        yield "  now: out of the queue; nothing more will happen."
        return
    yield "  now: " + _state(step, recipient, now)
    if recipient.suppressed is not None:
        yield "  suppressed: " + _suppressed(recipient.suppressed)
    if recipient.live is not None:
        yield "  in delivery: " + _live(recipient.live, step.due, now)
    yield f"  expires: {time_text(step.expires)} ({_expiry(step, now)})."


def _suppressed(why: Suppression) -> str:
    end = f"until {time_text(why.expires_at)}" if why.expires_at is not None else "for ever"
    evidence = f": {why.evidence}" if why.evidence else ""
    return (
        f"nothing is sent to it ({why.reason}, {why.scope.text}, {end}); its next attempt ends it"
        f" instead, and its sender is told{evidence}"
    )


def _route(route: RouteFacts) -> str:
    if route.is_chosen:
        where = "its MX hosts" if route.via == "mx" else f"the smart host {route.via}"
        by = "our own policy" if route.is_by_policy else "an operator (queue reroute)"
        text = f"chosen by {by}: to {where}"
    elif route.rule is None:
        text = f"no [[route]] matches: to the domain's MX hosts, by pool {route.pool}"
    else:
        where = "its MX hosts" if route.via == "mx" else f"the smart host {route.via}"
        text = f'[[route]] domain = "{route.rule}": to {where}, by pool {route.pool}'
    if not route.site:
        return text + "; not resolved yet."
    return (
        f"{text}; site {route.site}, provider {route.provider} (partition {route.partition}):"
        f" at most {count_text(route.connections, 'connection')} per source,"
        f" {count_text(route.messages_per_connection, 'message')} each, TLS {route.tls}."
    )


def _event(happened: Happened) -> str:
    attempt = "" if happened.attempt is None else _attempt(happened.attempt)
    by = f"by {happened.who or 'an operator'}"
    if happened.rule:
        by = f"by rule {happened.rule} of {happened.who or 'an operator'}"
    because = f": {happened.reason}" if happened.reason else ""
    match happened.event:
        case "delivered":
            return f"delivered: {attempt}"
        case "relayed":
            return f"taken by the smart host: {attempt}"
        case "deferred":
            return f"attempt {happened.attempts} failed for now: {attempt}"
        case "bounced" if happened.who:
            return f"returned to its sender {by}{because}"
        case "recipient_suppressed" if happened.attempt is not None:
            return happened.attempt.text
        case "bounced":
            return f"refused for good: {attempt}"
        case "expired":
            return f"given up after {count_text(happened.attempts, 'attempt')}: {attempt}"
        case "in_doubt":
            return (
                "in doubt: the server died during an attempt, which may have delivered it; it is tried"
                " again"
            )
        case "held" | "released" | "cancelled":
            return f"{happened.event} {by}{because}"
        case "rerouted":
            return f"sent by {happened.via or 'the usual way'} from now on {by}{because}"
        case "retried":
            return f"{happened.who or 'an operator'} asked for an attempt at once{because}"
        case "report_bounced":
            return f"a bounce came back{because}"
        case "complained":
            return f"the recipient complained{because}"
        case "unsubscribed":
            return f"the recipient unsubscribed{because}"
        case "resubscribed":
            return f"the recipient subscribed again{because}"
        case _:
            return happened.event


def _attempt(attempt: Attempt) -> str:
    host = attempt.host or "no host was reached"
    if attempt.address and attempt.address != attempt.host:
        host += f" [{attempt.address}]"
    source = f" from source {attempt.source}" if attempt.source else ""
    tls = ""
    if attempt.host and attempt.code:  # a code without a host is a finding of ours
        verified = ", verified" if attempt.tls_verified else ""
        tls = f" over {attempt.tls}{verified}" if attempt.tls else " in the clear"
    text = attempt.text
    if attempt.code and not text.startswith(str(attempt.code)):
        text = f"{attempt.code} {text}"
    if attempt.tls_skipped:
        text += f" (the TLS that the host offers was done without: {attempt.tls_skipped})"
    stage = f", at {attempt.stage}" if attempt.stage else ""
    if bounce_class := class_text(attempt):
        text += f" [{bounce_class}]"
    return f"{host}{source}{tls}{stage}{_signing(attempt)}: {text}"


def _signing(attempt: Attempt) -> str:
    if attempt.dkim:
        return f", signed by {' and '.join(attempt.dkim)}"
    return f", unsigned ({attempt.unsigned})" if attempt.unsigned else ""


def _state(step: NextStep, recipient: RecipientExplanation, now: UnixMs) -> str:
    match step.state:
        case "held":
            end = f" or {time_text(step.held_until)}" if step.held_until else ""
            by = f" by rule {step.rule}" if step.rule else ""
            return (
                f"held{by}: nothing happens until `postmaster queue release`{end}; it was due"
                f" {time_text(step.due)}."
            )
        case "in_flight":
            return f"being tried right now (attempt {step.attempts + 1})."
        case "scheduled":
            when = (
                f"in {span_text(step.due - now)}"
                if step.due > now
                else ("it is due" if recipient.live else "it is due, and goes as soon as it may")
            )
            history = recipient.history
            who = history[-1].who if history and history[-1].who else "an operator"
            return f"waits; next attempt {time_text(step.due)} ({when}), {_why(step, who)}."


def _why(step: NextStep, who: str) -> str:
    """Why it is tried at that time and not another."""
    match step.why:
        case "operator_retried":
            return f"because {who} asked for it"
        case "operator_rerouted":
            return f"because {who} sent it another way"
        case "operator_released":
            return f"because {who} released it"
        case "in_doubt":
            return "because its last attempt ended in doubt"
        case "start":
            return "which is the first: it is not to be sent before"
        case "first":
            return "which is the first"
        case "site_down":
            return (
                f"after attempt {step.attempts} found no host of its site that takes a connection;"
                " such a site is asked again after a minute at most, and what is due before is deferred"
                " without another try"
            )
        case "schedule" | None:
            waited = "?" if step.waited_ms is None else span_text(step.waited_ms)
            return (
                f"{waited} after attempt {step.attempts}: {step.schedule} has"
                f" {span_text(step.step_ms)} there (+- {step.jitter * 100:.0f} %); greylisting, a failing"
                " site or the expiry may shift it"
            )


def _expiry(step: NextStep, now: UnixMs) -> str:
    told = "its sender is told" if step.tells_sender else "nobody is told: its sender is <>"
    if step.state == "held":
        when = f"in {span_text(step.expires - now)}" if step.expires > now else "it has passed"
        return f"{when}, but what is held stays: a release is for one last attempt then"
    if step.expires > now:
        return f"in {span_text(step.expires - now)}; then {told}"
    return f"with the next attempt, if that fails; then {told}"


def _live(fact: LiveFact, due: UnixMs, now: UnixMs) -> str:
    since = f" since {span_text(now - fact.since)}" if fact.since else ""
    until = f" until {time_text(fact.until)}" if fact.until else ""
    because = f": {fact.text}" if fact.text else ""
    by = f" ({fact.connection})" if fact.connection else ""
    at = f" at source {fact.source}" if fact.source else ""
    match fact.state:
        case "on_disk" if due > now:
            return "not due yet, so it is on disk only."
        case "on_disk":
            return "due, but on disk only: its tenant's mail for this provider, or all of memory, is full."
        case "resolving":
            return f"its domain is being resolved{since}{because}."
        case "waiting":
            return f"in memory, waits for a connection{at}{because}."
        case "suspended":
            return f"its site is left alone{at}{until}{because}."
        case "policy":
            return f"waits by policy{at}{until}{because}."
        case "opening":
            return f"a connection to {fact.host or 'its site'} is being opened{since}{by}{because}."
        case "claimed":
            return f"its attempt has begun, it waits for a connection that is free{because}."
        case "transfer":
            return f"in transfer to {fact.host}{since}{by}{because}."
        case _:
            assert_never(fact.state)
