"""What follows of a look at a domain's records: it is proved, or a key of it may sign. Blocks on disk."""

from angarium.tenancy.domain_check import DomainCheck
from angarium.tenancy.model import BY_DNS, Domain
from angarium.tenancy.platform import Platform


def take_check(platform: Platform, domain: Domain, check: DomainCheck) -> Domain:
    """Keep what was found, and do what follows; return the domain as it is then. On disk on return.

    Raises NotFoundError: it is gone; TenancyError: another tenant has proved it. Then the check is kept all the same.
    """
    platform.domain_checks.record(check)
    if domain.verified is None and check.is_proven:
        domain = platform.domains.set_verified(domain.name, domain.tenant, by=BY_DNS)
    if domain.waiting_keys:
        domain = platform.domain_keys.take_over(domain.id, check.found_keys(domain)) or domain
    return domain
