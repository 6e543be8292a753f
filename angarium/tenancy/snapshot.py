"""What the way of a message needs of the platform, in memory: whose key is this, whose domain. Answers in microseconds.

Pure: the time is an argument. It is the same state of the database for all questions until it is exchanged whole.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from angarium.access.networks import Networks
from angarium.dkim.signing_domains import and_parents
from angarium.queue.model import DEFAULT_TENANT, UnixMs
from angarium.queue.terms import Terms
from angarium.tenancy.check_policy import NO_CHECK, CheckPolicy
from angarium.tenancy.key_text import key_digest, parse_key
from angarium.tenancy.model import Alignment, Domain, Key, Tenant, TrackingPolicy
from angarium.tenancy.plan import UNLIMITED, Plan
from angarium.tenancy.scopes import allows
from angarium.tenancy.topic import Topic
from angarium.tenancy.tracking_policy import TrackingHost
from angarium.tenancy.webhook import Webhook

FORMAT: Final = 1
_NO_DIGEST: Final = hashlib.sha256(b"").digest()
Problem = Literal["unknown", "revoked", "expired", "disabled", "network"]


class SnapshotData(msgspec.Struct, frozen=True, kw_only=True):
    """The platform at one version, as it is handed from who reads the database to who asks."""

    format: int = FORMAT
    version: int = 0
    tenants: tuple[Tenant, ...] = ()
    keys: tuple[Key, ...] = ()
    domains: tuple[Domain, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    tracking_hosts: tuple[TrackingHost, ...] = ()  # the oldest first
    topics: tuple[Topic, ...] = ()  # by name


class KeyGrant(msgspec.Struct, frozen=True, kw_only=True):
    """Who presents a valid key."""

    key: Key
    domains: tuple[str, ...]  # verified ones of its tenant
    senders: tuple[str, ...] = ()  # as whom it may send: patterns, as ``access.senders`` has them

    def allows(self, resource: str, action: str) -> bool:
        return allows(self.key.scopes, resource, action)


class KeyProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a key is not accepted. Only who has the right key is told more than that it is unknown."""

    problem: Problem
    text: str


UNKNOWN: Final = KeyProblem(problem="unknown", text="the key is not known here")


class Snapshot:
    """Invariant SN1: secrets are compared in constant time, by their digests (P6)."""

    def __init__(self, data: SnapshotData) -> None:
        self.version: Final = data.version
        self.keys: Final = {each.id: each for each in data.keys}
        self.tenants: Final = frozenset({each.name for each in data.tenants})
        self._plans = {each.name: each.plan for each in data.tenants}
        self._terms = {each.name: each.plan.terms(each.name) for each in data.tenants}
        self._tenant_ids = {each.name: each.id for each in data.tenants}
        self.webhooks: Final = {each.id: each for each in data.webhooks}
        self._webhooks_of: dict[str, tuple[Webhook, ...]] = {}
        for each in data.webhooks:
            self._webhooks_of[each.tenant] = (*self._webhooks_of.get(each.tenant, ()), each)
        self.domains: Final = data.domains  # verified and pending ones
        self._active = {each.name for each in data.tenants if each.active}
        self._networks = {each.id: Networks(each.networks) for each in data.keys if each.networks}
        self._certified = {name: each for each in data.keys for name in each.certificates}
        self._domains = {
            (each.tenant, each.name): each for each in data.domains if each.verified is not None
        }
        self._pending = {
            (each.tenant, each.name): each for each in data.domains if each.verified is None
        }
        self._names: dict[str, tuple[str, ...]] = {}
        for tenant, name in self._domains:
            self._names[tenant] = (*self._names.get(tenant, ()), name)
        self._owners = {name: tenant for tenant, name in self._domains}
        self._alignments: dict[str, Alignment] = {
            each.name: each.alignment for each in data.tenants
        }
        self._checks = {each.name: each.check for each in data.tenants}
        self._tracking = {each.name: each.tracking for each in data.tenants}
        self._addresses = {each.name: each.postal_address for each in data.tenants}
        self.tracking_hosts: Final = {each.host: each for each in data.tracking_hosts}
        self._tracking_host_of: dict[str, str] = {}
        for host in data.tracking_hosts:
            if host.state == "verified":
                self._tracking_host_of.setdefault(host.tenant, host.host)

        self._topics: dict[str, dict[str, Topic]] = {}
        for topic in data.topics:
            self._topics.setdefault(topic.tenant, {})[topic.name] = topic
        # A name wins over an id: ids are ours, and no tenant gives them away
        self._topic_names = {
            tenant: {each.id: each.name for each in topics.values()}
            | {each: each for each in topics}
            for tenant, topics in self._topics.items()
        }

    def find_key(self, presented: str, now: UnixMs, address: str) -> KeyGrant | KeyProblem:
        """Say whose key it is. ``address``: from where it is used. For kinds api and smtp."""
        parsed = parse_key(presented)
        key = None if parsed is None else self.keys.get(parsed.id)
        if key is not None and (parsed is None or key.kind != parsed.kind or key.kind == "ses"):
            key = None
        digest = key_digest(presented)
        if key is None:
            hmac.compare_digest(digest, _NO_DIGEST)  # SN1: what is unknown takes as long
            return UNKNOWN
        matching = [s for s in key.secrets if hmac.compare_digest(digest, s.digest)]  # SN1
        if not matching:
            return UNKNOWN
        (secret,) = matching
        if secret.expires is not None and secret.expires <= now:
            text = f"key {key.id} was rotated: this is its secret of before"
            return KeyProblem(problem="expired", text=text)
        return self.grant(key, now, address)

    def grant(self, key: Key, now: UnixMs, address: str) -> KeyGrant | KeyProblem:
        """Say whether a key whose secret was right may be used now, from there."""
        if key.revoked is not None:
            return KeyProblem(problem="revoked", text=f"key {key.id} has been revoked")
        if not key.is_valid(now):
            return KeyProblem(problem="expired", text=f"key {key.id} has expired")
        if not self.is_active(key.tenant):
            return KeyProblem(problem="disabled", text=f"tenant {key.tenant} is disabled")
        networks = self._networks.get(key.id)
        if networks is not None and address not in networks:
            text = f"key {key.id} may not be used from {address}"
            return KeyProblem(problem="network", text=text)
        return KeyGrant(
            key=key, domains=self.domains_of(key.tenant), senders=self.senders_of(key.tenant)
        )

    def find_certified(self, names: Sequence[str]) -> tuple[Key, ...]:
        """Return the keys that a certificate of these names stands for: of one that is in order, one."""
        found = {
            self._certified[each].id: self._certified[each]
            for each in names
            if each in self._certified
        }
        return tuple(found.values())

    def is_active(self, tenant: str) -> bool:
        return tenant in self._active

    def plan(self, tenant: str) -> Plan:
        """Return what a tenant may do; who is not known here has no limits of its own."""
        return self._plans.get(tenant, UNLIMITED)

    def terms(self, tenant: str) -> Terms:
        """Return a tenant's quotas, as what it sends is accepted on."""
        return self._terms.get(tenant) or Terms(tenant=tenant)

    def domains_of(self, tenant: str) -> tuple[str, ...]:
        """Return the verified domains of a tenant, by name."""
        return self._names.get(tenant, ())

    def find_pending(self, tenant: str, name: str) -> Domain | None:
        """Return a domain that the tenant has yet to prove."""
        return self._pending.get((tenant, name))

    def webhooks_of(self, tenant: str) -> tuple[Webhook, ...]:
        """Return the endpoints of a tenant, enabled or not."""
        return self._webhooks_of.get(tenant, ())

    def tenant_id(self, tenant: str) -> str:
        """Return its id; "" where none has this name."""
        return self._tenant_ids.get(tenant, "")

    def alignment_of(self, tenant: str) -> Alignment:
        return self._alignments.get(tenant, "strict")

    def check_of(self, tenant: str) -> CheckPolicy:
        """Return what of its mail is looked at while it is sent."""
        return self._checks.get(tenant, NO_CHECK)

    def tracking_of(self, tenant: str) -> TrackingPolicy:
        """Return how far its mail is tracked at most."""
        return self._tracking.get(tenant, "full")

    def postal_address_of(self, tenant: str) -> str:
        """Return what its advertising mail names, in lines; "": nothing is known."""
        return self._addresses.get(tenant, "")

    def tracking_host_of(self, tenant: str) -> str:
        """Return the host that links in its mail lead to: its oldest that is verified; "": it has none."""
        return self._tracking_host_of.get(tenant, "")

    def find_tracking_tenant(self, host: str) -> str | None:
        """Return whose tracking host it is, verified or not; None: no tenant's. ``host``: lower-case A-labels."""
        found = self.tracking_hosts.get(host)
        return None if found is None else found.tenant

    def topics_of(self, tenant: str) -> Mapping[str, Topic]:
        """Return what its mail may be about, by name."""
        return self._topics.get(tenant, {})

    def topic_names_of(self, tenant: str) -> Mapping[str, str]:
        """Return the names of its topics, by name and by id."""
        return self._topic_names.get(tenant, {})

    def senders_of(self, tenant: str) -> tuple[str, ...]:
        """Return as whom its programs may send, as patterns of ``access.senders``; ``is_taken`` goes before."""
        alignment = self.alignment_of(tenant)
        if alignment == "off":
            return ("*",)
        exact = tuple([f"@{each}" for each in self.domains_of(tenant)])
        if alignment == "strict":
            return exact
        return (*exact, *(f"@*.{each}" for each in self.domains_of(tenant)))

    def find_sending_domain(self, tenant: str, name: str) -> Domain | None:
        """Return the tenant's domain whose keys sign what it sends as this name, by its alignment."""
        if self.alignment_of(tenant) == "strict":
            return self._domains.get((tenant, name))
        return self._nearest(tenant, name)

    def is_taken(self, tenant: str, name: str) -> bool:
        """Whether another tenant has verified it, or the nearest domain above it that anybody has (A2)."""
        owner = next(
            (self._owners[each] for each in and_parents(name) if each in self._owners), None
        )
        return owner is not None and owner != tenant

    def find_above(self, tenant: str, name: str) -> Domain | None:
        """Return the tenant's nearest domain that it is below."""
        return self._nearest(tenant, name.partition(".")[2])

    def _nearest(self, tenant: str, name: str) -> Domain | None:
        for each in and_parents(name):
            if (owner := self._owners.get(each)) is not None:
                return self._domains[owner, each] if owner == tenant else None
        return None


EMPTY: Final = SnapshotData(
    tenants=(Tenant(id="", name=DEFAULT_TENANT, created=UnixMs(0)),),
)
