"""DNS as a table in memory, for what asks through ``insight.spf.LookUps``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from angarium.routing.dns import Answer, DnsTrouble, Found, MxRecord, NoData, NoSuchDomain


class TableDns:
    """``records``: (name, type) -> values; "trouble" as the values of a name that cannot be looked up."""

    def __init__(self, records: Mapping[tuple[str, str], Sequence[Any] | str]) -> None:
        self._records = records
        self.asked: Counter[tuple[str, str]] = Counter()

    async def txt(self, name: str) -> Answer[bytes]:
        return self._answer(name, "TXT", lambda text: text.encode())

    async def mx(self, domain: str) -> Answer[MxRecord]:
        return self._answer(domain, "MX", lambda name: MxRecord(10, name))

    async def ipv4(self, name: str) -> Answer[str]:
        return self._answer(name, "A", str)

    async def ipv6(self, name: str) -> Answer[str]:
        return self._answer(name, "AAAA", str)

    async def ptr(self, address: str) -> Answer[str]:
        return self._answer(ip_address(address).reverse_pointer, "PTR", str)

    def _answer(self, name: str, kind: str, value: Any) -> Answer[Any]:
        self.asked[name, kind] += 1
        values = self._records.get((name, kind))
        if values == "trouble":
            return DnsTrouble(f"DNS: {name} {kind}: no answer in time")
        if values:
            return Found(tuple(value(each) for each in values), 60.0)
        return NoData(60.0) if any(n == name for n, _ in self._records) else NoSuchDomain(60.0)
