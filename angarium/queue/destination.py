"""Where a recipient is to be sent: as its domain says, or another way that was chosen for it. Pure.

A way is ``mx``, ``ses``, or the URL of a smart host. A destination is a domain; a way that an operator chose; ``mx:``
and a domain, which passes by the operator's routes; or ``over:``, a way and a domain: delivery itself chose a smart
host, because the usual way was shut. No domain has a colon but an address literal, which begins with a bracket. Of a
recipient that was suppressed when it was accepted it is ``suppressed:`` and the domain: it waits for no site, and ends
without an attempt.
"""

from typing import Final

from angarium.config.address import parse_smart_host

# What an operator may write besides a smart host's URL
MX: Final = "mx"
SES: Final = "ses"
DEFAULT: Final = "default"
_DIRECT: Final = "mx:"
_DETOUR: Final = "over:"
_SUPPRESSED: Final = "suppressed:"


def destination_of(domain: str, via: str) -> str:
    """``via``: "" for the usual way, "mx", a smart host, or what ``detour`` returned."""
    if not via:
        return domain
    if via == MX:
        return _DIRECT + domain
    return f"{via} {domain}" if via.startswith(_DETOUR) else via


def detour(way: str) -> str:
    """Return what a move says when delivery itself chose a smart host; of "": the usual way again."""
    return _DETOUR + way if way else DEFAULT


def kept_way(via: str) -> str:
    """Return what recipients keep of what a move says."""
    return "" if via == DEFAULT else via


def shown_way(via: str) -> str:
    """Return what people see of what recipients keep: "mx", or the smart host."""
    return detour_way(via) or via


def detour_way(via: str) -> str:
    """Return the smart host of such a detour, or of its destination; "": it is none."""
    return via.removeprefix(_DETOUR).partition(" ")[0] if via.startswith(_DETOUR) else ""


def suppressed_destination(domain: str) -> str:
    return _SUPPRESSED + domain


def is_suppressed(destination: str) -> bool:
    """Whether its address was suppressed when it was accepted."""
    return destination.startswith(_SUPPRESSED)


def is_chosen(destination: str) -> bool:
    """Whether it is not the recipient's domain, but what an operator chose, or delivery; or nowhere."""
    return find_way(destination) is not None or destination.startswith((_DIRECT, _SUPPRESSED))


def find_way(destination: str) -> str | None:
    """Return the smart host that was chosen; None: none was."""
    return detour_way(destination) or (destination if is_smart_host(destination) else None)


def is_smart_host(way: str) -> bool:
    return way == SES or way.startswith(("smtp://", "smtps://"))


def direct_domain(destination: str) -> str | None:
    """Return the domain whose mail passes by the routes; None: it does not."""
    return destination.removeprefix(_DIRECT) if destination.startswith(_DIRECT) else None


def domain_behind(destination: str) -> str:
    """Return the recipient's domain; where an operator chose a smart host, that is not known: the smart host."""
    if destination.startswith(_DETOUR):
        return destination.rpartition(" ")[2]
    return destination.removeprefix(_DIRECT)


def check_via(text: str) -> str:
    """Return a way as recipients keep it; "" for "default". Raises ValueError that says what to write."""
    if text in (MX, SES, DEFAULT):
        return "" if text == DEFAULT else text
    try:
        parse_smart_host(text)
    except ValueError as error:
        raise ValueError(f"{error}, or {DEFAULT}") from None
    return text
