"""What the platform knows: tenants, their keys, the domains that they send as, and who changed what. Pure values."""

from typing import Final, Literal

import msgspec

from angarium.queue.model import UnixMs
from angarium.tenancy.check_policy import NO_CHECK, CheckPolicy
from angarium.tenancy.plan import UNLIMITED, Plan

KeyKind = Literal["api", "smtp", "ses"]
KEY_KINDS: Final[tuple[KeyKind, ...]] = ("api", "smtp", "ses")
DkimType = Literal["rsa", "ed25519"]
DomainStatus = Literal["pending", "verified"]
# As whom a tenant sends: its verified domains exactly; those below them, too; anybody whom no other tenant is
Alignment = Literal["strict", "relaxed", "off"]
ALIGNMENTS: Final[tuple[Alignment, ...]] = ("strict", "relaxed", "off")
# How far its mail is tracked at most: not at all; as figures, without saying of whom; of each recipient
TrackingPolicy = Literal["none", "aggregate", "full"]
# pending: it has not led here yet; reached: it leads here, and lacks a certificate; verified: links may lead to it;
# failed: it was verified once, and no longer leads here
TrackingHostState = Literal["pending", "reached", "verified", "failed"]
# What a domain was verified by, as audit entries say it
BY_DNS: Final = "DNS"
BY_OPERATOR: Final = "the operator's word"
DEFAULT_RATE: Final = 1000  # requests or messages per second of one key; ours
MAX_RATE: Final = 1_000_000
MAX_CERTIFICATES: Final = 20  # that stand for one key; ours


class TenancyError(Exception):
    """What was asked cannot be done; the text says why and what to do. Nothing has changed."""

    def __init__(self, text: str, command: str = "", *, field: str = "") -> None:
        """``command``: what to do on the command line. ``field``: what of the wish is wrong, where one thing is."""
        super().__init__(f"{text}: {command}" if command else text)
        self.text = text
        self.field = field


class ConflictError(TenancyError):
    """It would be right at another time: what there is stands in its way."""


class NotFoundError(TenancyError):
    """There is no such tenant, key or domain."""


class TenancySetupError(Exception):
    """The database, or the file of its secret, cannot be used; the text names it."""


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    id: str  # a UUID
    name: str  # what its mail is labelled with in the queue
    active: bool = True  # False: its keys are refused; what was accepted is still delivered
    created: UnixMs
    plan: Plan = UNLIMITED
    alignment: Alignment = "strict"
    check: CheckPolicy = NO_CHECK
    tracking: TrackingPolicy = "full"
    postal_address: str = ""  # lines; what its advertising mail names, as laws have it


class KeySecret(msgspec.Struct, frozen=True, kw_only=True):
    """One of a key's secrets: two are valid while it is rotated."""

    version: int
    digest: bytes  # SHA-256 of the whole key; b"" for ses, whose secret is derived
    created: UnixMs
    expires: UnixMs | None = None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """What a program authenticates with; kind ``smtp`` is a credential of the submission listener."""

    id: str
    tenant: str  # its name
    kind: KeyKind
    name: str = ""  # for people
    scopes: tuple[str, ...]
    networks: tuple[str, ...] = ()  # from where it may be used; empty: from anywhere
    rate: int = DEFAULT_RATE  # per second
    created: UnixMs
    expires: UnixMs | None = None
    revoked: UnixMs | None = None
    secrets: tuple[KeySecret, ...]  # the newest last
    certificates: tuple[str, ...] = ()  # whose showing stands for its secret: dns:app.example.com

    def is_valid(self, now: UnixMs) -> bool:
        return self.revoked is None and (self.expires is None or now < self.expires)


class DomainKey(msgspec.Struct, frozen=True, kw_only=True):
    """A DKIM key of a domain."""

    selector: str
    type: DkimType
    sealed: bytes  # the private part, as ``Secrets`` seals it
    created: UnixMs
    waits: bool = False  # for its record to be found in DNS; then it signs
    retired: UnixMs | None = None  # when another one took over; it stays published for a while

    @property
    def signs(self) -> bool:
        return not self.waits and self.retired is None


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """Of each name one tenant at most has it verified; others may wait for it in vain."""

    id: str
    tenant: str  # its name
    name: str  # lower-case A-labels
    token: str  # what DNS must say to prove whose it is
    assumed: bool = False  # the operator's word stands for the token
    created: UnixMs
    verified: UnixMs | None = None
    keys: tuple[DomainKey, ...] = ()

    @property
    def token_name(self) -> str:
        """Where its token is published."""
        return f"_angarium.{self.name}"

    @property
    def token_value(self) -> str:
        return f"angarium-domain-verification={self.token}"

    @property
    def status(self) -> DomainStatus:
        return "pending" if self.verified is None else "verified"

    @property
    def signing_keys(self) -> tuple[DomainKey, ...]:
        return tuple([each for each in self.keys if each.signs])

    @property
    def published_keys(self) -> tuple[DomainKey, ...]:
        """Those whose records are to be found: that sign, or wait for that."""
        return tuple([each for each in self.keys if each.retired is None])

    @property
    def waiting_keys(self) -> tuple[DomainKey, ...]:
        return tuple([each for each in self.keys if each.waits])


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One change: in the transaction that made it."""

    at: UnixMs
    actor: str  # "root (command line)"
    action: str  # "domain.verified"
    tenant: str
    subject: str  # the id or name of what was changed
    details: dict[str, str] = {}
