"""The canonical name of a site: domains with the same hosts, in the same order, get the same one. Pure.

``(mx1|mx2>backup).example.com`` are two hosts of equal preference, then a third; what their names end in alike
stands once, behind the bracket. A port other than 25 is appended, and so is a provider that was told by the
recipient's domain: other domains at the same hosts have other limits.
"""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import takewhile
from typing import Final

from angarium.queue.destination import is_smart_host
from angarium.routing.resolution import SiteName

SMTP_PORT: Final = 25  # RFC 5321 section 4.5.4.2
MAX_SITE_NAME: Final = 200  # ours: it stands in logs, metrics and the queue's route table
_HASH_OCTETS: Final = 10


def mx_site_name(
    groups: Sequence[Sequence[str]], port: int = SMTP_PORT, provider: str = ""
) -> SiteName:
    """Return the name of hosts given by preference, each group of equal ones in any order.

    Names are those of hosts, without trailing dot; then different hosts, orders or ports give different names.
    """
    ordered = [sorted(group) for group in groups]
    suffix = _common_suffix([name.split(".") for group in ordered for name in group])
    cut = len(suffix) + 1 if suffix else 0
    heads = ">".join("|".join(name[: len(name) - cut] for name in group) for group in ordered)
    if cut:
        heads = f"({heads}).{suffix}"
    return _bounded(heads + _port_text(port) + (f"/{provider}" if provider else ""))


def address_site_name(address: str, port: int = SMTP_PORT) -> SiteName:
    """Return the name of an address literal's site."""
    return SiteName(f"[{address}]" + _port_text(port))


def smart_host_site_name(implicit_tls: bool, user: str, host: str, port: int) -> SiteName:
    """Return the name of a smart host: its URL with each part that has a default written out."""
    scheme = "smtps" if implicit_tls else "smtp"
    at = f"{user}@" if user else ""
    bracketed = f"[{host}]" if ":" in host else host
    return _bounded(f"{scheme}://{at}{bracketed}:{port}")


def demanding_site_name(name: SiteName, demand: str) -> SiteName:
    """Return the name of the same hosts, for domains with that demand on their TLS."""
    return SiteName(f"{name}+{demand}") if demand else name


def bare_site_name(name: SiteName, demand: str) -> SiteName:
    """Return what ``demanding_site_name`` was given."""
    return SiteName(name.removesuffix(f"+{demand}")) if demand else name


def is_smart_host_name(name: str) -> bool:
    return is_smart_host(name)


def _common_suffix(names: Sequence[Sequence[str]]) -> str:
    """Return the last labels that all share, leaving each at least one; "" for a single name."""
    if len(names) < 2:
        return ""
    columns = zip(*(reversed(labels[1:]) for labels in names), strict=False)
    shared = [column[0] for column in takewhile(lambda each: len(set(each)) == 1, columns)]
    return ".".join(reversed(shared))


def _port_text(port: int) -> str:
    return "" if port == SMTP_PORT else f":{port}"


def _bounded(name: str) -> SiteName:
    if len(name) <= MAX_SITE_NAME:
        return SiteName(name)
    digest = blake2b(name.encode(), digest_size=_HASH_OCTETS).hexdigest()
    return SiteName(f"{name[: MAX_SITE_NAME - len(digest) - 1]}~{digest}")
