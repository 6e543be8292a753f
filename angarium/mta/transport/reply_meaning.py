"""What a peer's reply means for the recipients it concerns: delivered, later, never, and how far it reaches. Pure.

Every search here is a plain substring of a text of at most 1,000 characters (C4). What greylisting is,
``feedback.classifier`` knows.
"""

from typing import Final, assert_never

import msgspec

from angarium.feedback.classes import BounceClass
from angarium.feedback.classifier import classify
from angarium.mta.transport.outcome import Failure, Outcome, Permanent, Scope, Taken, Transient
from angarium.queue.model import Attempt, UnixMs
from angarium.queue.stage import Stage
from angarium.smtp.client.transaction import Answer, NotSendable, NotUnderstood, Verdict
from angarium.smtp.reply import Reply, clean_text, enhanced_status, text

_IN_DOUBT: Final = "after the whole message was sent: whether it was accepted is unknown"
# RFC 3463: the rest goes in another transaction
TOO_MANY_RECIPIENTS: Final = "4.5.3"

_TRY_LATER: Final = ("try again later", "try later", "retry later", "please retry", "try again in")
# What also says "try again later" and gives a reason that will last: greylisting's schedule would be too soon
_HAS_A_REASON: Final = ("rate", "limit", "too much", "deferred", "server busy", "problem", "error")
# Of a reply that says "try again later" and nothing else
_SAYS_NO_REASON: Final = frozenset((BounceClass.SYSTEM_ERROR, BounceClass.UNDETERMINED))
_FULL: Final = ("full", "quota", "storage", "size", "space", "exceed")
# About the client's address or name rather than about a sender or message
_ABOUT_US: Final = (
    "your ip",
    "ip address",
    "client host",
    "client address",
    "connecting host",
    "sending host",
    "block list",
    "blocklist",
    "blacklist",
    "black list",
    "reputation",
    "rbl",
    "dnsbl",
    "spamhaus",
    "reverse dns",
    "reverse name",
    "ptr record",
    "frequency limited",
    "too many connections",
    "server busy",
    "your server",
    "mail server [",
    "your network",
)


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of an Attempt that one connection's attempts have in common."""

    host: str
    address: str
    source: str
    tls: str
    tls_skipped: str = ""
    tls_cipher: str = ""
    tls_verified: bool = False


def attempt(
    where: Where, at: UnixMs, stage: Stage, *, code: int = 0, enhanced: str = "", reason: str
) -> Attempt:
    return Attempt(
        at=at,
        host=where.host,
        address=where.address,
        source=where.source,
        code=code,
        enhanced=enhanced,
        text=reason,
        tls=where.tls,
        stage=stage,
        tls_skipped=where.tls_skipped,
        tls_cipher=where.tls_cipher,
        tls_verified=where.tls_verified,
    )


def meaning(stage: Stage, reply: Reply, where: Where, at: UnixMs) -> Outcome:
    """The outcome of a transaction's recipients for a reply to rset, mail, rcpt, data or final_dot.

    2yz to anything but final_dot decides nothing and must not be asked about.
    """
    code, enhanced, shown = reply.code, enhanced_status(reply), text(reply)
    if stage == "rcpt" and _is_too_many_recipients(code, enhanced, shown):
        enhanced = TOO_MANY_RECIPIENTS
        code = 452  # RFC 5321 section 4.5.3.1.10: 552 here is a mistake for it
    made = attempt(where, at, stage, code=code, enhanced=enhanced, reason=shown)
    if code < 300:
        return Taken(made)
    scope = _scope(stage, code, enhanced, shown)
    if code < 500 or scope in (Scope.SITE, Scope.SESSION):
        return Transient(made, scope, greylisted=is_greylisting(stage, code, enhanced, shown))
    return Permanent(made, scope)


def opening_failure(stage: Stage, reply: Reply, where: Where, at: UnixMs) -> Transient:
    """The meaning of a reply other than 2yz to the banner, EHLO, STARTTLS or AUTH: never permanent.

    A host that does not want us at all says nothing about a recipient: the next host is tried, and when none is
    left the mail waits. SITE: 5yz, for as long as it lasts each connection would meet it. SESSION: 4yz.
    """
    made = attempt(
        where, at, stage, code=reply.code, enhanced=enhanced_status(reply), reason=text(reply)
    )
    return Transient(made, Scope.SITE if reply.code >= 500 else Scope.SESSION)


def greeting_refused(stage: Stage, reply: Reply, where: Where, at: UnixMs) -> Failure:
    """The meaning of 5yz to EHLO and to HELO as well, or of 521 as the banner (RFC 7504: no mail is taken here).

    No session is to be had, with nobody: permanent, unless it is our address that the host does not like.
    """
    words = text(reply).lower()
    if any(each in words for each in _ABOUT_US):
        return opening_failure(stage, reply, where, at)
    return Permanent(opening_failure(stage, reply, where, at).attempt, Scope.SITE)


def outcome_of(verdict: Verdict, where: Where, at: UnixMs) -> Outcome:
    """The outcome of one recipient of a transaction."""
    match verdict:
        case Answer(stage=stage, reply=reply):
            return meaning(stage, reply, where, at)
        case NotSendable():
            return not_sendable(verdict, where, at)
        case NotUnderstood(text=words):
            reason = clean_text(f"protocol error: {words}")
            made = attempt(where, at, "rcpt", enhanced="4.5.0", reason=reason)
            return Transient(made, Scope.RECIPIENT)
        case _:
            assert_never(verdict)


def not_sendable(refusal: NotSendable, where: Where, at: UnixMs) -> Permanent:
    """The outcome of our own refusal. SESSION: another host of the site may have the extension that this one lacks;
    MESSAGE: none would do."""
    stage: Stage = "ehlo" if refusal.elsewhere else "mail"
    made = attempt(where, at, stage, enhanced=refusal.enhanced, reason=refusal.text)
    return Permanent(made, Scope.SESSION if refusal.elsewhere else Scope.MESSAGE)


def in_doubt(where: Where, at: UnixMs, enhanced: str, text: str) -> Transient:
    """The connection failed when the peer may have had the whole message."""
    reason = f"{text} {_IN_DOUBT}"
    return Transient(
        attempt(where, at, "final_dot", enhanced=enhanced, reason=reason), Scope.SESSION
    )


def is_greylisting(stage: Stage, code: int, enhanced: str, shown: str) -> bool:
    """Whether the same message to the same recipient, from the same address, will be taken a few minutes later.

    ``shown``: the whole reply, its codes included. Some that greylist ask to come back, and say no more.
    """
    if code not in (450, 451, 452, 421) or stage not in ("mail", "rcpt", "data", "final_dot"):
        return False
    said = classify(shown).bounce_class
    if said is BounceClass.GREYLISTED:
        return True
    if code not in (450, 451) or enhanced not in ("4.7.1", "4.2.0", "4.7.0", ""):
        return False
    words = shown.lower()
    return (
        said in _SAYS_NO_REASON
        and any(each in words for each in _TRY_LATER)
        and not any(each in words for each in _HAS_A_REASON)
    )


def _is_too_many_recipients(code: int, enhanced: str, shown: str) -> bool:
    """RFC 5321 section 4.5.3.1.10: 452, and 552 from those that mistook the one for the other."""
    if code == 452:
        return enhanced in ("4.5.3", "") and _says_too_many(shown)
    if code != 552 or enhanced not in ("", "5.5.3"):
        return False
    words = shown.lower()
    return enhanced == "5.5.3" or _says_too_many(shown) or not any(each in words for each in _FULL)


def _says_too_many(shown: str) -> bool:
    words = shown.lower()
    return "4.5.3" in words or ("recipients" in words and "too many" in words)


def _scope(stage: Stage, code: int, enhanced: str, shown: str) -> Scope:
    if code == 421 or stage == "rset":
        return Scope.SESSION  # RFC 5321 section 3.8: the peer closes
    if stage == "rcpt":
        return Scope.RECIPIENT
    if stage == "mail":
        words = shown.lower()
        if enhanced[1:4] in (".7.", "") and any(each in words for each in _ABOUT_US):
            return Scope.SITE  # it is our address or rate that it refuses: no message would do
        if enhanced.startswith("4.3."):
            return Scope.SESSION  # RFC 3463 section 3.4: the host's own trouble
    return Scope.MESSAGE
