"""Where a domain's mail goes. Plain values."""

from typing import Final, Literal, NewType

import msgspec

from angarium.config.schema import Provider

SiteName = NewType("SiteName", str)
# What a recipient's domain itself asks of its hosts' TLS: nothing; that there is some; that it is verified
TlsDemand = Literal["", "required", "verify"]
NOTHING: Final[TlsDemand] = ""


class MxHost(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # lower-case, no trailing dot; or the address itself for a literal
    port: int
    preference: int
    addresses: tuple[str, ...]  # IPv6 and IPv4 as they are to be tried; never empty


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts that serve a domain, and all domains with the same hosts: one connection cache."""

    # Canonical: built of the MX names, so that domains with the same MX set share it.
    name: SiteName
    hosts: tuple[MxHost, ...]  # by preference; equal ones are shuffled anew by whoever connects
    # Its limits; a site of no known provider is its own provider with default limits.
    provider: Provider
    via: str  # "mx", or the URL of the smart host
    final: bool  # True: a 250 from it is `delivered`; False (smart host): `relayed`
    # Of its domains; part of the name, so that no connection serves one domain under another one's policy
    demands: TlsDemand = NOTHING


class Unroutable(msgspec.Struct, frozen=True, kw_only=True):
    """The domain cannot be delivered to, now or at all."""

    permanent: bool
    code: int  # 556, 550, 451, as a reply of our own
    enhanced: str  # 5.1.10 null MX, 5.1.2 no such domain, 4.4.3 DNS trouble, 5.4.6 loop, 4.4.4 private address
    text: str


Resolution = Site | Unroutable
