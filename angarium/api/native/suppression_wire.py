"""A suppression as our dialect writes it, and as the queue keeps it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, get_args

from msgspec import Meta

from angarium.api.native.wire import (
    Asked,
    PageAsked,
    Time,
    TimeGiven,
    Wire,
    invalid,
    maybe_time,
    time_text,
)
from angarium.config.address import LABEL_RULE, is_label
from angarium.feedback.classes import BounceClass, verdict_of
from angarium.queue import Scope, Suppression
from angarium.queue.suppressions import (
    COMPLAINT,
    ERASURE,
    EVERYBODY,
    EVIDENCE_CHARACTERS,
    MANUAL,
    UNSUBSCRIBE,
)

# Ours, of one request
MAX_EMAILS: Final = 1000
_MAX_OCTETS: Final = 320  # RFC 5321: a local part of 64, and a domain of 255
_STREAM: Final = "stream"
_TOPIC: Final = "topic"
GLOBAL: Final = "global"
_OWN: Final = "tenant"

ReasonShown = Literal["bounce", "complaint", "unsubscribe", "manual", "erasure"]
BounceType = Literal["Permanent", "Transient", "Undetermined"]
Email = Annotated[str, Meta(min_length=1, max_length=_MAX_OCTETS)]
_Evidence = Annotated[str, Meta(max_length=EVIDENCE_CHARACTERS)]
_CLASSES: Final = {each.value: each for each in BounceClass}
# What stands for a type where no class is given
_USUAL_CLASS: Final[Mapping[BounceType, BounceClass]] = {
    "Permanent": BounceClass.USER_UNKNOWN,
    "Transient": BounceClass.EXPIRED,
    "Undetermined": BounceClass.UNDETERMINED,
}


class Evidence(Asked, frozen=True, kw_only=True, omit_defaults=True):
    """What shows it; one of them."""

    reply: _Evidence = ""  # of the recipient's host
    dsn: _Evidence = ""  # what a bounce says
    arf: _Evidence = ""  # what a complaint says
    note: _Evidence = ""  # anything else

    @property
    def text(self) -> str:
        return self.reply or self.dsn or self.arf or self.note


class SuppressionShown(Wire, frozen=True, kw_only=True):
    """An address that nothing is sent to, and why."""

    email: str
    scope: str  # tenant, stream:NAME, topic:NAME or global: whose mail does not go there
    reason: ReasonShown
    bounce_type: BounceType | None  # of a bounce
    bounce_sub_type: str | None  # likewise: its class, as user_unknown
    added_at: Time
    expires_at: Time | None  # null: it does not
    evidence: Evidence | None


class SuppressionList(Wire, frozen=True, kw_only=True):
    suppressions: Sequence[SuppressionShown]
    cursor: str | None  # of the next page; null: there is none


class SuppressionAnswer(Wire, frozen=True, kw_only=True):
    success: bool
    changed: int  # how many were not so before
    suppressions: Sequence[SuppressionShown]


class SuppressionAsked(Asked, frozen=True, kw_only=True):
    """One address or several, for the same reason."""

    email: Email = ""  # one address
    emails: Annotated[tuple[Email, ...], Meta(max_length=MAX_EMAILS)] = ()  # or several
    # tenant, stream:NAME, topic:NAME, or global, which needs the scope tenants:write where there are several tenants
    scope: Annotated[str, Meta(max_length=100)] = _OWN
    reason: ReasonShown = "manual"
    bounce_type: BounceType | None = None  # of a bounce
    # likewise: its class, as user_unknown or mailbox_full
    bounce_sub_type: Annotated[str, Meta(max_length=40)] = ""
    expires_at: TimeGiven | None = None  # omitted: it does not
    evidence: Evidence | None = None


class SuppressionsAsked(PageAsked, frozen=True, kw_only=True):
    prefix: Annotated[str, Meta(max_length=_MAX_OCTETS)] = ""  # addresses that begin so
    domain: Annotated[str, Meta(max_length=_MAX_OCTETS)] = ""  # addresses of this domain
    scope: Annotated[str, Meta(max_length=100)] = ""  # tenant, stream:NAME, topic:NAME or global
    reason: Annotated[str, Meta(max_length=40)] = ""  # complaint, ..., or the class of a bounce
    tenant: str = ""  # omitted: the caller's own


class OneAsked(Asked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class RemovalAsked(OneAsked, frozen=True, kw_only=True):
    # tenant, stream:NAME, topic:NAME or global; omitted: whatever suppresses it
    scope: Annotated[str, Meta(max_length=100)] = ""


def read_scope(text: str, tenant: str, field: str = "scope") -> Scope:
    """Return whose mail is meant. Raises FaultError."""
    if text == _OWN:
        return Scope(tenant=tenant)
    if text == GLOBAL:
        return EVERYBODY
    kind, _, name = text.partition(":")
    if kind not in (_STREAM, _TOPIC) or not is_label(name):
        told = f"{field}: write tenant, global, stream:NAME or topic:NAME, where a name is {LABEL_RULE}"
        raise invalid(field, told, constraint="enum")
    return Scope(tenant=tenant, **{kind: name})


def scope_text(scope: Scope) -> str:
    if scope.tenant is None:
        return GLOBAL
    if scope.topic is not None:
        return f"{_TOPIC}:{scope.topic}"
    return _OWN if scope.stream is None else f"{_STREAM}:{scope.stream}"


def read_reason(asked: SuppressionAsked) -> str:
    """Return what the queue calls it. Raises FaultError."""
    if asked.reason != "bounce":
        for field, value in (
            ("bounceType", asked.bounce_type),
            ("bounceSubType", asked.bounce_sub_type),
        ):
            if value:
                raise invalid(field, f"{field}: belongs to the reason bounce")
        return asked.reason
    if not asked.bounce_sub_type:
        return _USUAL_CLASS[asked.bounce_type or "Permanent"].value
    found = _CLASSES.get(asked.bounce_sub_type)
    if found is None:
        told = f"bounceSubType: there is none of that name; there are {', '.join(_CLASSES)}"
        raise invalid("bounceSubType", told, constraint="enum")
    kind = _type_of(found)
    if asked.bounce_type not in (None, kind):
        raise invalid("bounceType", f"bounceType: {found.value} is {kind}")
    return found.value


def shown(each: Suppression) -> SuppressionShown:
    found = _CLASSES.get(each.reason)
    return SuppressionShown(
        email=each.email,
        scope=scope_text(each.scope),
        reason=_reason_shown(each.reason),
        bounce_type=None if found is None else _type_of(found),
        bounce_sub_type=None if found is None else found.value,
        added_at=time_text(each.added_at),
        expires_at=maybe_time(each.expires_at),
        evidence=_evidence(each),
    )


def _reason_shown(reason: str) -> ReasonShown:
    if reason in _CLASSES:
        return "bounce"
    match reason:
        case "complaint" | "unsubscribe" | "erasure":
            return reason
        case _:  # also what was imported without one
            return "manual"


def _type_of(found: BounceClass) -> BounceType:
    if found is BounceClass.UNDETERMINED:
        return "Undetermined"
    return "Permanent" if verdict_of(found).hard else "Transient"


def _evidence(each: Suppression) -> Evidence | None:
    if not each.evidence:
        return None
    match each.reason:
        case _ if each.reason in _CLASSES:
            return Evidence(reply=each.evidence)
        case _ if each.reason == COMPLAINT:
            return Evidence(arf=each.evidence)
        case _:
            return Evidence(note=each.evidence)


assert {COMPLAINT, UNSUBSCRIBE, MANUAL, ERASURE, "bounce"} == set(get_args(ReasonShown))
