"""Where a recipient is to be sent: as its domain says, or the way that an operator chose for it. Pure.

A destination is a domain; the URL of a smart host; or ``mx:`` and a domain, which passes by the operator's routes. No
domain has a colon but an address literal, which begins with a bracket. Of a recipient that was suppressed when it was
accepted it is ``suppressed:`` and the domain: it waits for no site, and ends without an attempt.
"""

from typing import Final

from angarium.config.address import parse_smart_host

# What an operator may write besides a smart host's URL
MX: Final = "mx"
DEFAULT: Final = "default"
_DIRECT: Final = "mx:"
_SUPPRESSED: Final = "suppressed:"


def destination_of(domain: str, via: str) -> str:
    """``via``: "" for the usual way, "mx", or a smart host's URL."""
    if not via:
        return domain
    return _DIRECT + domain if via == MX else via


def suppressed_destination(domain: str) -> str:
    return _SUPPRESSED + domain


def is_suppressed(destination: str) -> bool:
    """Whether its address was suppressed when it was accepted."""
    return destination.startswith(_SUPPRESSED)


def is_chosen(destination: str) -> bool:
    """Whether it is not the recipient's domain, but what an operator chose; or nowhere."""
    return is_smart_host(destination) or destination.startswith((_DIRECT, _SUPPRESSED))


def is_smart_host(destination: str) -> bool:
    return destination.startswith(("smtp://", "smtps://"))


def direct_domain(destination: str) -> str | None:
    """Return the domain whose mail passes by the routes; None: it does not."""
    return destination.removeprefix(_DIRECT) if destination.startswith(_DIRECT) else None


def check_via(text: str) -> str:
    """Return a way as recipients keep it; "" for "default". Raises ValueError that says what to write."""
    if text in (MX, DEFAULT):
        return MX if text == MX else ""
    try:
        parse_smart_host(text)
    except ValueError as error:
        raise ValueError(f"{error}, or {DEFAULT}") from None
    return text
