"""Check that what users may send gets signed. Asks nobody."""

from collections.abc import Iterator
from typing import Final

from angarium.access.credential_file import CredentialFileError, credential_path, read_users
from angarium.config.schema import Config
from angarium.insight.checks.finding import Finding
from angarium.insight.sender_domains import SenderDomains, sender_domains, signing_domain

MAX_NAMED: Final = 5  # users of one domain that are named


def check_senders(config: Config) -> Iterator[Finding]:
    known = find_sender_domains(config)
    if not config.dkim.keys:
        return  # check_secrets says so, once for all
    for domain, users in sorted(known.users.items()):
        if signing_domain(domain, config) is None:
            names = ", ".join(users[:MAX_NAMED]) + (", ..." if len(users) > MAX_NAMED else "")
            yield Finding(
                "senders",
                "warn",
                f"{names} may send as {domain}, for which [dkim] has no key: that mail goes out"
                f" unsigned; `postmaster dkim keygen --domain {domain} --selector s1`",
            )
    if known.unbound:
        names = ", ".join(known.unbound[:MAX_NAMED])
        more = ", ..." if len(known.unbound) > MAX_NAMED else ""
        text = f"{names}{more} may send as anybody: only what [dkim] has keys for is signed"
        yield Finding("senders", "ok", text)


def find_sender_domains(config: Config) -> SenderDomains:
    """Return the domains of users and keys; of keys alone where the users cannot be read: another check says so."""
    try:
        _, users = read_users(credential_path(config.server.data_dir))
    except CredentialFileError:
        users = {}
    return sender_domains(config, users.values())
