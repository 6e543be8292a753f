"""What is known of a host's certificate and of the orders for it. Pure values."""

from typing import Literal

import msgspec

from angarium.queue.model import UnixMs

TroubleKind = Literal[
    "authority_unreachable",  # it does not answer us, or not as an authority
    "unreachable",  # it does not reach the host by HTTP
    "not_ours",  # something else answers there
    "dns",  # it finds no address of the host
    "caa",  # DNS names other authorities
    "rate_limited",
    "rejected",  # it issues no certificates for this name, or not to us
    "account",  # it wants something else of our account
    "slow",  # it did not come to an end in time
    "disk",  # what it issued cannot be kept
    "other",
]


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why no certificate was issued."""

    kind: TroubleKind
    text: str  # a sentence, with the authority's own words
    remedy: str  # what to do; "": wait
    retry_after_s: float = 0.0  # what the authority asks for
    is_new_account: bool = False  # the authority has forgotten ours


class HostStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What was tried for a host. On disk: fields are only ever appended."""

    directory_url: str = ""  # of whom its certificate is; "": it has none of ours
    attempts: tuple[UnixMs, ...] = ()  # when orders began, within the last hour
    failures: int = 0  # since the last certificate
    not_before: UnixMs = UnixMs(0)  # it is not tried again before
    trouble: Trouble | None = None  # of the last attempt
    troubled: UnixMs | None = None  # when that was


class Validity(msgspec.Struct, frozen=True, kw_only=True):
    """Of a certificate."""

    begins: UnixMs
    ends: UnixMs


class PendingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that was begun: with it, one that was cut short is completed and not begun anew."""

    directory_url: str
    order_url: str
    finalize_url: str
    private_key: str  # PEM; of the certificate that is ordered
    began: UnixMs


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Ours at an authority."""

    directory_url: str
    private_key: str  # PEM
    url: str = ""  # "": it was not confirmed yet. Asked for with the same key, an authority gives the same one
    contact: tuple[str, ...] = ()  # as the authority has it


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be found at a host while an authority looks (RFC 8555 section 8.3)."""

    host: str
    text: str
