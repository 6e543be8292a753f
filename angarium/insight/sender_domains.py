"""As which domains this server sends, and what of it can be known without asking anybody."""

from collections.abc import Iterable, Mapping

import msgspec

from angarium.access.credential_file import User
from angarium.access.senders import ANYONE
from angarium.config.schema import Config
from angarium.routing.host_name import canonical_name


class SenderDomains(msgspec.Struct, frozen=True, kw_only=True):
    domains: tuple[str, ...]  # lower-case A-labels, in order: of users and of keys
    # domain -> users who may send as it, by name; not of those who may send as anybody.
    users: Mapping[str, tuple[str, ...]]
    unbound: tuple[str, ...]  # users who may send as anybody


def sender_domains(config: Config, users: Iterable[User]) -> SenderDomains:
    by_domain: dict[str, list[str]] = {}
    unbound: list[str] = []
    for user in users:
        for pattern in user.senders:
            if pattern == ANYONE:
                unbound.append(user.name)
                continue
            domain = canonical_name(pattern.rpartition("@")[2].removeprefix("*."))
            names = by_domain.setdefault(domain, [])
            if user.name not in names:
                names.append(user.name)
    keys = {canonical_name(key.domain) for key in config.dkim.keys}
    return SenderDomains(
        domains=tuple(sorted({*by_domain, *keys})),
        users={domain: tuple(names) for domain, names in by_domain.items()},
        unbound=tuple(unbound),
    )


def signing_domain(domain: str, config: Config) -> str | None:
    """Return the d= that mail of a domain is signed with, as ``KeyRing.find`` chooses; None: with none."""
    keys = {canonical_name(key.domain) for key in config.dkim.keys}
    while domain:
        if domain in keys:
            return domain
        domain = domain.partition(".")[2]
    return None
