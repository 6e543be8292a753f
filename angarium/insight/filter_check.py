"""What an operator asks for that can never be: values that match nothing, ways that lead nowhere. Pure."""

from collections.abc import Iterator
from typing import Final

from angarium.access.credential_file import CredentialError, check_tenant
from angarium.config.address import parse_smart_host
from angarium.config.providers import all_providers
from angarium.config.schema import Config
from angarium.queue import Filter
from angarium.queue.destination import SES, check_via, is_smart_host
from angarium.queue.message_id import parse_delivery_id, parse_message_id
from angarium.routing.host_name import is_host_name

# A site that is no known provider's is its own, and named by its hosts
_IN_SITE_NAMES: Final = frozenset(".:[/")


def find_slip(wanted: Filter, config: Config) -> str | None:
    """Return what is wrong with the first value that cannot match, and what to write; None: each may."""
    return next(_slips(wanted, config), None)


def find_route_slip(via: str, config: Config) -> str | None:
    """Return why mail cannot be sent that way, and what to write."""
    try:
        way = check_via(via)
    except ValueError as error:
        return str(error)
    if way == SES:
        return None if config.ses is not None else "ses: there is no [ses] in the configuration"
    known = {via for each in config.route for via in each.vias}
    known |= {each.url for each in config.smart_host}
    if is_smart_host(way) and parse_smart_host(way).user and way not in known:
        return f"{way}: a smart host with a login must be in a [[route]] or [[smart_host]], which has its password"
    return None


def _slips(wanted: Filter, config: Config) -> Iterator[str]:
    for tenant in wanted.tenants:
        try:
            check_tenant(tenant)
        except CredentialError as error:
            yield f"no tenant can be called {tenant!r}: {error}"
    for domain in wanted.domains:
        if not _is_domain(domain):
            yield f"{domain!r} is no domain; write one like example.com"
    for sender in wanted.senders:
        if sender and not _is_domain(sender.rpartition("@")[2] if "@" in sender else ""):
            yield f"{sender!r} is no sender; write an address, @domain, or <> for the null sender"
    for recipient in wanted.recipients:
        local_part, _, domain = recipient.rpartition("@")
        if not local_part or not _is_domain(domain):
            yield f"{recipient!r} is no recipient; write a whole address, or ask by --domain"
    yield from _unknown_providers(wanted, config)
    for reply in wanted.replies:
        if not reply.strip():
            yield "the pattern of a reply is empty; write a part of it, with * for anything: '421*rate'"
    for id_ in wanted.ids:
        try:
            parse_delivery_id(id_) if "." in id_ else parse_message_id(id_)
        except ValueError as error:
            yield str(error)


def _unknown_providers(wanted: Filter, config: Config) -> Iterator[str]:
    known = sorted({each.name for each in all_providers(config.provider)})
    for provider in wanted.providers:
        if provider not in known and _IN_SITE_NAMES.isdisjoint(provider):
            names = ", ".join(known)
            yield (
                f"there is no provider {provider!r}; there are {names}, and sites by their own"
                " names (postmaster queue summary --by provider)"
            )


def _is_domain(text: str) -> bool:
    """In A-labels, or an address literal."""
    return is_host_name(text.lower()) or (text.startswith("[") and text.endswith("]"))
