"""Reports as they were read, whatever form they had. Plain values; texts are as the reporter wrote them, but cut."""

from typing import Final, Literal

import msgspec

Kind = Literal["dmarc", "tls"]
Disposition = Literal["none", "quarantine", "reject"]
# Ours. C3: the largest reports of large providers have some ten thousand rows, in some megabytes of XML
MAX_ROWS: Final = 50_000
# Characters of one element; what is beyond is cut, as names and ids are short
MAX_TEXT: Final = 1000
MAX_NAME: Final = 255
MAX_RESULTS: Final = 32  # authentication results, and reasons, of one row
# No count of mail is larger; and SQLite's integers hold the sum of as many as there can be
MAX_COUNT: Final = 2**40
# Ours: a report is of a day, RFC 8460 and RFC 9990 say; a week is told of by some
MAX_SPAN_S: Final = 32 * 86_400


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """What was brought is no report that can be taken."""

    name: str  # of the file, and of the one in it; "": it has none
    why: str  # with what to do, where there is something


class AuthResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one check of a mail's sender came to."""

    domain: str
    result: str  # pass | fail | none | softfail | neutral | permerror | temperror | policy | ...
    selector: str = ""  # of DKIM
    scope: str = ""  # of SPF: mfrom | helo


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """Why a receiver did not do what the policy says."""

    type: str  # forwarded | mailing_list | local_policy | sampled_out | trusted_forwarder | policy_test_mode | other
    comment: str = ""


class DmarcRow(msgspec.Struct, frozen=True, kw_only=True):
    """Mail of one source that fared alike."""

    address: str  # of the source, in its canonical form
    count: int
    disposition: Disposition
    dkim: bool  # aligned, as the receiver judged
    spf: bool
    header_from: str
    envelope_from: str = ""
    envelope_to: str = ""  # the domain of the recipients
    overrides: tuple[Override, ...] = ()
    dkim_results: tuple[AuthResult, ...] = ()
    spf_results: tuple[AuthResult, ...] = ()


class PublishedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """As the receiver found it in DNS; "": it does not say."""

    domain: str
    p: str
    sp: str = ""
    np: str = ""
    adkim: str = ""
    aspf: str = ""
    pct: str = ""
    fo: str = ""
    testing: str = ""  # y | n
    discovery: str = ""  # psl | treewalk


class DmarcReport(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9990, or appendix C of RFC 7489."""

    organization: str
    report_id: str
    begin: int  # Unix seconds
    end: int
    policy: PublishedPolicy
    rows: tuple[DmarcRow, ...]
    contact: str = ""  # a page; addresses are not kept
    generator: str = ""
    version: str = ""
    errors: tuple[str, ...] = ()  # what the receiver found wrong
    # Rows that could not be read, and why the first one was not
    skipped: int = 0
    skipped_why: str = ""


class TlsFailure(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 8460 section 4.4, failure details."""

    result: str  # certificate-expired, ...
    count: int
    mx: str = ""  # our host
    sending: str = ""  # the address of who sent
    receiving: str = ""  # ours
    reason: str = ""
    more: str = ""


class TlsPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions to one domain's hosts under one policy."""

    domain: str
    type: str  # sts | tlsa | no-policy-found
    successful: int
    failed: int
    strings: tuple[str, ...] = ()  # the policy
    hosts: tuple[str, ...] = ()  # the hosts that it names
    failures: tuple[TlsFailure, ...] = ()


class TlsReport(msgspec.Struct, frozen=True, kw_only=True):
    organization: str
    report_id: str
    begin: int  # Unix seconds
    end: int
    policies: tuple[TlsPolicy, ...]
    contact: str = ""


ReceivedReport = DmarcReport | TlsReport


def cut(text: str, most: int = MAX_TEXT) -> str:
    """Return it without control characters and white space around it, no longer than ``most`` (L4)."""
    shown = "".join(each if each.isprintable() else " " for each in text[: most * 2])
    return " ".join(shown.split())[:most]


def without_addresses(text: str, most: int = 300) -> str:
    """Return a remark, cut, without whom it names: addresses of people are not kept."""
    return " ".join(each for each in cut(text, most).split() if "@" not in each)


def domain_name(text: str) -> str:
    """Return a domain as it is compared: lower case, in A-labels where it has others, without a final dot."""
    name = cut(text, MAX_NAME).rstrip(".").lower()
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name
