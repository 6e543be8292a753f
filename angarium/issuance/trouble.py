"""What an authority says when it issues nothing, in words, with what to do. Pure."""

from collections.abc import Sequence
from typing import Final

from angarium.issuance.model import Trouble, TroubleKind

_MAX_WORDS: Final = 400
_KINDS: Final[dict[str, TroubleKind]] = {
    "connection": "unreachable",
    "tls": "unreachable",
    "unauthorized": "not_ours",
    "incorrectResponse": "not_ours",
    "dns": "dns",
    "caa": "caa",
    "rateLimited": "rate_limited",
    "rejectedIdentifier": "rejected",
    "unsupportedIdentifier": "rejected",
    "badCSR": "rejected",
    "externalAccountRequired": "account",
    "accountDoesNotExist": "account",
    "userActionRequired": "account",
    "invalidContact": "account",
    "unsupportedContact": "account",
    "serverInternal": "authority_unreachable",
    "badNonce": "authority_unreachable",
}


def challenge_url(host: str) -> str:
    return f"http://{host}/.well-known/acme-challenge/"


def told_trouble(
    host: str,
    code: str,
    detail: str,
    caa_names: Sequence[str] = (),
    retry_after_s: float = 0.0,
) -> Trouble:
    """``code``: the last part of an error's type (RFC 8555 section 6.7). ``caa_names``: how CAA records name the
    authority.
    """
    kind = _KINDS.get(code, "other")
    words = "".join(each if each.isprintable() else " " for each in detail)[:_MAX_WORDS]
    said = f" ({words})" if words else ""
    text, remedy = _words(host, code, kind, tuple(caa_names))
    return Trouble(
        kind=kind,
        text=f"{text}{said}",
        remedy=remedy,
        retry_after_s=retry_after_s,
        is_new_account=code == "accountDoesNotExist",
    )


def _words(host: str, code: str, kind: TroubleKind, caa_names: Sequence[str]) -> tuple[str, str]:
    match kind:
        case "unreachable":
            return (
                f"the authority does not reach {challenge_url(host)}",
                f"have port 80 of {host} lead to a listener of kind http without TLS, past firewalls",
            )
        case "not_ours":
            return (
                f"what answers at {challenge_url(host)} is not this server",
                f"have its records lead here: `postmaster tracking-host check {host}` looks",
            )
        case "dns":
            return (
                f"the authority finds no address of {host}",
                "publish its record, and see that its zone's nameservers answer everybody alike",
            )
        case "caa":
            name = next(iter(caa_names), "the authority's name")
            return (
                f"CAA records at {host} or above it name other authorities",
                f'add to them: {host}. IN CAA 0 issue "{name}"',
            )
        case "rate_limited":
            return "the authority has issued, or refused, too much lately", ""
        case "rejected":
            return (
                f"the authority issues no certificate for {host}",
                "take another authority (acme.directory_url), or give files: [[tracking_certificate]]",
            )
        case "account":
            return _account_words(code)
        case "authority_unreachable":
            return "the authority is in trouble itself", ""
        case _:
            return f"the authority refused ({code or 'no reason given'})", ""


def _account_words(code: str) -> tuple[str, str]:
    if code == "externalAccountRequired":
        return (
            "the authority wants to know whose customer you are",
            "give acme.account_id and acme.account_key_file, as it hands them out",
        )
    if code == "accountDoesNotExist":
        return "the authority does not know our account any more: a new one is made", ""
    if code in ("invalidContact", "unsupportedContact"):
        return "the authority does not take acme.contact", "give an address that takes mail"
    return "the authority waits for you", "follow what it says, as by agreeing to new terms"
