"""What of a tenant's mail is tracked at most, the address that its advertising mail names, and the hosts that its links
lead to. Pure.
"""

import unicodedata
from typing import Final

import msgspec

from angarium.queue.model import UnixMs
from angarium.tenancy.model import TenancyError, TrackingHostState, TrackingPolicy

TRACKING_POLICIES: Final[tuple[TrackingPolicy, ...]] = ("none", "aggregate", "full")
# Ours: the longest address that a post office takes is far shorter
ADDRESS_CHARACTERS: Final = 1000
ADDRESS_LINES: Final = 12


class TrackingHost(msgspec.Struct, frozen=True, kw_only=True):
    """A name of a tenant's that links in its mail lead to; of each, there is one."""

    host: str  # lower-case A-labels
    tenant: str  # its name
    created: UnixMs
    state: TrackingHostState = "pending"


def known_policy(text: str) -> TrackingPolicy:
    """Raises TenancyError."""
    for each in TRACKING_POLICIES:
        if each == text:
            return each
    raise TenancyError(f"tracking is one of {', '.join(TRACKING_POLICIES)}", field="tracking")


def tidy_address(text: str) -> str:
    """Return a postal address as it is kept: its lines, without blanks around them. Raises TenancyError."""
    lines = [each.strip() for each in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    tidy = "\n".join([each for each in lines if each])
    if len(tidy) > ADDRESS_CHARACTERS:
        problem = f"an address has up to {ADDRESS_CHARACTERS} characters, not {len(tidy)}"
        raise TenancyError(problem, field="postal_address")
    if tidy.count("\n") >= ADDRESS_LINES:
        raise TenancyError(f"an address has up to {ADDRESS_LINES} lines", field="postal_address")
    for each in tidy.replace("\n", ""):
        if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp"):
            problem = f"an address has no control characters: U+{ord(each):04X} stands in it"
            raise TenancyError(problem, field="postal_address")
    return tidy
