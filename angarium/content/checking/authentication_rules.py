"""Whether receivers can tell that a mail is from its domain: DKIM, SPF and DMARC, as they were looked at last. Pure.

Large providers ask all three of bulk mail, one of them aligned with From. Microsoft has SPF and DKIM both pass (550
5.7.515 otherwise); mail here is signed as its From's domain, so that DKIM is the one that is aligned.
"""

from collections.abc import Iterator
from typing import Final

from angarium.content.checking.mail import DomainFacts
from angarium.content.checking.rule import Broken, Rule, RulePart
from angarium.content.checking.view import View

RULES: Final = (
    Rule(
        code="domain_not_verified",
        level="blocker",
        wrong="the domain in From is not a verified one of this tenant",
        remedy="add it, and publish its records",
        reason="mail from it is refused here: nothing would vouch for it",
    ),
    Rule(
        code="dkim_missing",
        level="blocker",
        points=2.0,
        wrong="no DKIM key signs as the domain in From",
        remedy="publish the key's record; it signs once it is found",
        reason="Gmail, Yahoo and Microsoft refuse unsigned bulk mail, and trust no other",
    ),
    Rule(
        code="dkim_wrong",
        level="blocker",
        points=2.0,
        wrong="the DKIM record of the domain in From is missing, or not the key's",
        remedy="publish it as the domain's page says",
        reason="signatures fail: receivers refuse bulk mail, and DMARC fails for all of it",
    ),
    Rule(
        code="spf_wrong",
        in_bulk="blocker",
        points=1.0,
        wrong="SPF of the return path's domain does not let this server send",
        remedy="publish it as the domain's page says",
        reason="Microsoft wants SPF and DKIM both to pass (550 5.7.515), and Gmail both of bulk mail",
    ),
    Rule(
        code="dmarc_missing",
        in_bulk="blocker",
        points=0.5,
        wrong="the domain in From has no right DMARC record",
        remedy="publish at least v=DMARC1; p=none",
        reason="Gmail, Yahoo and Microsoft ask bulk senders for it",
    ),
    Rule(
        code="authentication_unknown",
        wrong="what the domain's DNS says of DKIM, SPF and DMARC is not known yet",
        remedy="look at the domain's page, or have it checked",
        reason="nobody has looked, or a nameserver did not answer",
    ),
)


def _find(view: View) -> Iterator[Broken]:
    domain = view.facts.domain
    if domain is None:
        return
    for code, record in _codes(domain):
        trouble = dict(domain.troubles).get(record, "")
        shown = trouble or (domain.spf_domain if record == "spf" else domain.name)
        yield Broken(code=code, field="from", examples=(shown,))


def _codes(domain: DomainFacts) -> Iterator[tuple[str, str]]:
    if not domain.is_verified:
        yield "domain_not_verified", ""
        return
    if not domain.is_signed:
        yield "dkim_missing", "dkim"
    elif domain.dkim == "wrong":
        yield "dkim_wrong", "dkim"
    if domain.spf == "wrong":
        yield "spf_wrong", "spf"
    if domain.dmarc == "wrong":
        yield "dmarc_missing", "dmarc"
    if domain.is_signed and "unknown" in (domain.dkim, domain.spf, domain.dmarc):
        yield "authentication_unknown", ""


AUTHENTICATION: Final = RulePart(title="Authentication", rules=RULES, find=_find)
