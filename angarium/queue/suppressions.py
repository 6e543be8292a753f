"""Addresses that nothing is sent to, as values. Pure.

The queue does not know what a bounce class means: reasons are names that its users agree on.
"""

from typing import Final

import msgspec

from angarium.queue.model import UnixMs
from angarium.queue.suppression_key import address_key, scope_key

# Reasons besides the bounce classes
COMPLAINT: Final = "complaint"
UNSUBSCRIBE: Final = "unsubscribe"
MANUAL: Final = "manual"
IMPORT: Final = "import"
ERASURE: Final = "erasure"  # the person asked to be forgotten
# Of one whose record the disk damaged: that it is there is known, and no more
UNREADABLE: Final = "unreadable"
# What somebody decided outlives what a host once said
_DECIDED: Final = frozenset({COMPLAINT, UNSUBSCRIBE, MANUAL, IMPORT, ERASURE})

# Ours: a reply or the part of a report that says why, with room for its host
EVIDENCE_CHARACTERS: Final = 1000
REFERENCE_CHARACTERS: Final = 200
_REASON_CHARACTERS: Final = 40
_ALL: Final = "all"
_TENANT: Final = "tenant:"
_STREAM: Final = "/stream:"
_TOPIC: Final = "/topic:"


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Whose mail does not go to the address: everybody's, one tenant's, or that of one stream or topic of a tenant."""

    tenant: str | None = None
    stream: str | None = None  # only with a tenant
    topic: str | None = None  # likewise, and without a stream: a topic may be in several

    def __post_init__(self) -> None:
        if self.tenant is None and self.stream is not None:
            raise ValueError("a stream is of a tenant: name that, too")
        if self.topic is not None and (self.tenant is None or self.stream is not None):
            raise ValueError("a topic is of a tenant, and of no stream: name the tenant alone")

    @property
    def text(self) -> str:
        """``all``, ``tenant:acme``, ``tenant:acme/stream:news`` or ``tenant:acme/topic:offers``."""
        if self.tenant is None:
            return _ALL
        if self.topic is not None:
            return f"{_TENANT}{self.tenant}{_TOPIC}{self.topic}"
        return f"{_TENANT}{self.tenant}" + ("" if self.stream is None else _STREAM + self.stream)

    @property
    def key(self) -> bytes:
        """What the key of a suppression ends in."""
        return scope_key(self.tenant, self.stream, self.topic)


EVERYBODY: Final = Scope()


def parse_scope(text: str) -> Scope:
    """Raises ValueError that says what to write."""
    if text == _ALL:
        return EVERYBODY
    kind = _kind_of(text)
    tenant, ended, name = text.removeprefix(_TENANT).partition(kind or _STREAM)
    if not text.startswith(_TENANT) or not tenant or (ended and not name):
        raise ValueError(
            f"{text[:80]!r} is no scope: write all, tenant:NAME, tenant:NAME/stream:NAME or "
            "tenant:NAME/topic:NAME"
        )
    if kind == _TOPIC:
        return Scope(tenant=tenant, topic=name)
    return Scope(tenant=tenant, stream=name or None)


def scopes_of(tenant: str, stream: str, topic: str) -> tuple[Scope, ...]:
    """Return the scopes that a mail is in, the widest first. ``topic`` "": it has none."""
    wide = (EVERYBODY, Scope(tenant=tenant), Scope(tenant=tenant, stream=stream))
    return (*wide, Scope(tenant=tenant, topic=topic)) if topic else wide


def _kind_of(text: str) -> str:
    """Return which part of a tenant's mail is named first; "": none."""
    found = [kind for kind in (_STREAM, _TOPIC) if kind in text]
    return min(found, key=text.index, default="")


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """Known by the compared form of its address and its scope (``key``): there is one of each."""

    email: str  # as it was written
    scope: Scope = EVERYBODY
    reason: str  # a bounce class, or one of the reasons above
    added_at: UnixMs
    expires_at: UnixMs | None = None  # nothing is suppressed from then on; None: for ever
    evidence: str = ""  # the reply, or what of a report says so: printable
    reference: str = ""  # to what has it: a message's id, the token of a report

    @property
    def key(self) -> bytes:
        """Raises ValueError."""
        return address_key(self.email) + self.scope.key

    def is_in_force(self, now: UnixMs) -> bool:
        return self.expires_at is None or now < self.expires_at

    def bounded(self) -> "Suppression":
        """Return it fit for the store: texts of one printable line, within their limits."""
        return Suppression(
            email=self.email,
            scope=self.scope,
            reason=_line(self.reason, _REASON_CHARACTERS),
            added_at=self.added_at,
            expires_at=self.expires_at,
            evidence=_line(self.evidence, EVIDENCE_CHARACTERS),
            reference=_line(self.reference, REFERENCE_CHARACTERS),
        )

    def outweighs(self, other: "Suppression") -> bool:
        """Whether there is more to it than to another of the same address and scope: it lasts longer; or as long, and
        somebody decided it, where a host had said so.
        """
        if self.expires_at != other.expires_at:
            return self.expires_at is None or (
                other.expires_at is not None and self.expires_at > other.expires_at
            )
        return self.reason in _DECIDED and other.reason not in _DECIDED


class SuppressionPage(msgspec.Struct, frozen=True):
    suppressions: tuple[Suppression, ...]  # in force; by domain, local part, scope
    cursor: bytes | None  # opaque; None: no more


def _line(text: str, limit: int) -> str:
    if text.isprintable() and len(text) <= limit:
        return text.strip()
    return "".join(each if each.isprintable() else " " for each in text[:limit]).strip()
