"""The DNS records that a server which sends mail needs: what to publish, and what the checks then look for. Pure."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Literal

import msgspec

from angarium.dkim.txt import txt_zone_line

Purpose = Literal["address", "ptr", "spf", "dkim", "dmarc", "ownership"]


class DnsRecord(msgspec.Struct, frozen=True, kw_only=True):
    purpose: Purpose
    name: str  # without the final dot
    type: Literal["A", "AAAA", "PTR", "TXT"]
    value: str  # of a PTR: the host name without the final dot; of TXT: the whole text

    @property
    def zone_line(self) -> str:
        """As a zone file has it (RFC 1035 section 5.1)."""
        if self.type == "TXT":
            return txt_zone_line(self.name, self.value)
        dot = "." if self.type == "PTR" else ""
        return f"{self.name}. 3600 IN {self.type} {self.value}{dot}"

    @property
    def short(self) -> str:
        """For a sentence: ``example.com TXT "v=spf1 ..."``."""
        value = f'"{self.value}"' if self.type == "TXT" else self.value
        return f"{self.name} {self.type} {value}"


class PublishedKey(msgspec.Struct, frozen=True, kw_only=True):
    record_name: str  # selector._domainkey.domain
    record: str  # as ``dkim.keygen.record_text`` makes it


def wanted_records(
    *,
    hostname: str,
    addresses: Sequence[str],
    domains: Iterable[str],
    keys: Iterable[PublishedKey],
) -> tuple[DnsRecord, ...]:
    """Return all records for a host with these addresses that sends for ``domains``, in the order to set them."""
    found = [address_record(hostname, each) for each in addresses]
    found += [ptr_record(hostname, each) for each in addresses]
    found += [spf_record(each, addresses) for each in domains]
    found += [
        DnsRecord(purpose="dkim", name=key.record_name, type="TXT", value=key.record)
        for key in keys
    ]
    found += [dmarc_record(each) for each in domains]
    return tuple(found)


def address_record(hostname: str, address: str) -> DnsRecord:
    kind: Literal["A", "AAAA"] = "AAAA" if ":" in address else "A"
    return DnsRecord(purpose="address", name=hostname, type=kind, value=address)


def ptr_record(hostname: str, address: str) -> DnsRecord:
    """The owner of the address sets it, not of the domain."""
    name = ip_address(address).reverse_pointer
    return DnsRecord(purpose="ptr", name=name, type="PTR", value=hostname)


def spf_record(domain: str, addresses: Sequence[str]) -> DnsRecord:
    """RFC 7208. Whoever has other senders too keeps their terms in it."""
    terms = [f"ip6:{each}" if ":" in each else f"ip4:{each}" for each in addresses]
    value = " ".join(("v=spf1", *terms, "-all"))
    return DnsRecord(purpose="spf", name=domain, type="TXT", value=value)


def dmarc_record(domain: str) -> DnsRecord:
    """RFC 7489. Reports only: a stricter policy comes after having read some of them."""
    value = f"v=DMARC1; p=none; rua=mailto:dmarc@{domain}"
    return DnsRecord(purpose="dmarc", name=f"_dmarc.{domain}", type="TXT", value=value)
