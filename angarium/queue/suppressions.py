"""Addresses that nothing is sent to, as values. Pure.

The queue does not know what a bounce class means: reasons are names that its users agree on.
"""

from typing import Final

import msgspec

from angarium.queue.model import UnixMs
from angarium.queue.suppression_key import suppression_key

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


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Whose mail does not go to the address: everybody's, one tenant's, or that of one stream of a tenant."""

    tenant: str | None = None
    stream: str | None = None  # only with a tenant

    def __post_init__(self) -> None:
        if self.tenant is None and self.stream is not None:
            raise ValueError("a stream is of a tenant: name that, too")

    @property
    def text(self) -> str:
        """``all``, ``tenant:acme`` or ``tenant:acme/stream:news``."""
        if self.tenant is None:
            return _ALL
        return f"{_TENANT}{self.tenant}" + ("" if self.stream is None else _STREAM + self.stream)


EVERYBODY: Final = Scope()


def parse_scope(text: str) -> Scope:
    """Raises ValueError that says what to write."""
    if text == _ALL:
        return EVERYBODY
    tenant, ended, stream = text.removeprefix(_TENANT).partition(_STREAM)
    if not text.startswith(_TENANT) or not tenant or (ended and not stream):
        raise ValueError(
            f"{text[:80]!r} is no scope: write all, tenant:NAME or tenant:NAME/stream:NAME"
        )
    return Scope(tenant=tenant, stream=stream if ended else None)


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
        return suppression_key(self.email, self.scope.tenant, self.scope.stream)

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
