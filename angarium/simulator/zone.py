"""The small internet's names: what is answered to a question. No I/O."""

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from angarium.simulator.scenario import Name, ScenarioError

MAX_CNAMES = 8  # ours: a chain is followed so far, a loop stops there
NEGATIVE_TTL = 5  # of the SOA: tests and the demo do not wait

Records = dict[dns.rdatatype.RdataType, dns.rrset.RRset]


class Zone:
    """Authoritative for everything: a name that is not here does not exist."""

    def __init__(self) -> None:
        self._records: dict[dns.name.Name, Records] = {}
        self._parents: set[dns.name.Name] = set()  # exist without records: NODATA, not NXDOMAIN
        self._answers: dict[
            dns.name.Name, Name
        ] = {}  # names with an answer other than their records
        self._soa = dns.rrset.from_text(
            ".", NEGATIVE_TTL, "IN", "SOA", f"ns.sim. hostmaster.sim. 1 60 60 60 {NEGATIVE_TTL}"
        )

    def add(self, name: str, text: str, ttl: int = 60) -> None:
        """Add a record as text: "MX 10 mx.example.", "TXT v=spf1 -all" (quoted here). Raises ScenarioError."""
        kind, _, rdata = text.strip().partition(" ")
        if kind.upper() == "TXT" and not rdata.startswith('"'):
            rdata = quote_text(rdata)
        try:
            owner = dns.name.from_text(name).canonicalize()
            rrset = dns.rrset.from_text(owner, ttl, "IN", kind, rdata)
        except dns.exception.DNSException as error:
            raise ScenarioError(f"record of {name}: {text}: {error}") from error
        there = self._records.setdefault(owner, {}).setdefault(rrset.rdtype, rrset)
        if there is not rrset:
            there.update(rrset)  # type: ignore[no-untyped-call]
        parent = owner
        while parent != dns.name.root:
            parent = parent.parent()
            self._parents.add(parent)

    def remove(self, name: str) -> None:
        """Forget all records of a name."""
        self._records.pop(dns.name.from_text(name).canonicalize(), None)

    def add_name(self, plan: Name) -> None:
        """Add a name of the scenario; replaces how it was answered before."""
        owner = dns.name.from_text(plan.name).canonicalize()
        self._answers.pop(owner, None)
        if plan.answer != "records" or plan.delay_s:
            self._answers[owner] = plan
        if plan.null_mx:
            self.add(plan.name, "MX 0 .", plan.ttl)
        for record in plan.records:
            self.add(plan.name, record, plan.ttl)

    def delay_s(self, query: dns.message.Message) -> float:
        plan = self._find_plan(query)
        return plan.delay_s if plan else 0.0

    def answer(self, query: dns.message.Message) -> dns.message.Message | None:
        """Return the response, None if there is to be none."""
        response = dns.message.make_response(query, recursion_available=True)
        response.flags |= dns.flags.AA
        plan = self._find_plan(query)
        if len(query.question) != 1 or query.question[0].rdclass != dns.rdataclass.IN:
            response.set_rcode(dns.rcode.REFUSED)
        elif plan is not None and plan.answer == "silent":
            return None
        elif plan is not None and plan.answer == "servfail":
            response.set_rcode(dns.rcode.SERVFAIL)
        elif plan is not None and plan.answer == "refused":
            response.set_rcode(dns.rcode.REFUSED)
        elif plan is not None and plan.answer == "nxdomain":
            response.set_rcode(dns.rcode.NXDOMAIN)
            response.authority.append(self._soa)
        else:
            self._look_up(query.question[0].name, query.question[0].rdtype, response)
        return response

    def _look_up(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        response: dns.message.Message,
    ) -> None:
        owner = name.canonicalize()
        for _ in range(MAX_CNAMES):
            records = self._records.get(owner)
            if records is None:
                if owner not in self._parents:
                    response.set_rcode(dns.rcode.NXDOMAIN)
                break
            rrset = records.get(rdtype)
            if rrset is not None:
                response.answer.append(rrset)
                return
            alias = records.get(dns.rdatatype.CNAME)
            if alias is None:
                break
            response.answer.append(alias)
            owner = alias[0].target.canonicalize()
        else:
            return
        response.authority.append(self._soa)

    def _find_plan(self, query: dns.message.Message) -> Name | None:
        if not query.question or not self._answers:
            return None
        return self._answers.get(query.question[0].name.canonicalize())


def quote_text(text: str) -> str:
    """Split into character-strings of 255 octets at most (RFC 1035 section 3.3.14), quoted."""
    escaped = [text[i : i + 255] for i in range(0, len(text), 255)] or [""]
    return " ".join('"' + each.replace("\\", "\\\\").replace('"', '\\"') + '"' for each in escaped)
