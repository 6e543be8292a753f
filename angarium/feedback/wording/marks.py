"""Marks that providers put into their replies, and hosts whose names say who blocks: what each means. Pure.

A mark is looked up whole, then without its digits: "tss04", then "tss"; those that are a number behind a provider's
letters, by the number.
"""

import re
from typing import Final

from angarium.feedback.classes import BounceClass

MARKS: Final[dict[str, BounceClass]] = {
    # Yahoo
    "ts": BounceClass.REPUTATION,
    "tss": BounceClass.REPUTATION,
    "tss09": BounceClass.BLOCKED,
    "ipts": BounceClass.REPUTATION,
    "gl": BounceClass.REPUTATION,
    "bl": BounceClass.BLOCKED,
    # Microsoft
    "s3140": BounceClass.BLOCKED,
    "s3150": BounceClass.BLOCKED,
    "rp": BounceClass.REPUTATION,
    "sc": BounceClass.POLICY,
    "sc-001": BounceClass.SPAM,
    "sc-002": BounceClass.POLICY,
    "sc-003": BounceClass.POLICY,
    "sc-004": BounceClass.BLOCKED,
    "dy": BounceClass.BLOCKED,
    "ou": BounceClass.BLOCKED,
    "ou-001": BounceClass.BLOCKED,
    # Apple
    "bs": BounceClass.REPUTATION,
    "hcm": BounceClass.REPUTATION,
    # Comcast, and Cox
    "rl": BounceClass.RATE_LIMITED,
    "pt": BounceClass.PTR_REQUIRED,
    # NetEase
    "dt:spm": BounceClass.SPAM,
    "dt:sum": BounceClass.SENDER_REJECTED,
    "dt:rbl": BounceClass.BLOCKED,
    "hl:itc": BounceClass.RATE_LIMITED,
    "hl:icc": BounceClass.RATE_LIMITED,
    "hl:ifc": BounceClass.RATE_LIMITED,
    "hl:mep": BounceClass.REPUTATION,
    "hl:rep": BounceClass.REPUTATION,
    "hl:ipb": BounceClass.BLOCKED,
    "mi:dmc": BounceClass.RATE_LIMITED,
    "mi:sfq": BounceClass.RATE_LIMITED,
    "mi:spf": BounceClass.AUTH_FAILURE,
    "mi:stc": BounceClass.RATE_LIMITED,
    "mi:nhd": BounceClass.SENDER_REJECTED,
    "mi:spb": BounceClass.BLOCKED,
    "rp:orq": BounceClass.RATE_LIMITED,
    "rp:drc": BounceClass.RATE_LIMITED,
    "rp:qrc": BounceClass.RATE_LIMITED,
    "rp:trc": BounceClass.RATE_LIMITED,
    "wm:bli": BounceClass.BLOCKED,
    "wm:blu": BounceClass.BLOCKED,
}

# GoDaddy's numbers behind "IB"
_GODADDY: Final = {
    **dict.fromkeys((7, 101, 504, 510, 605, 607), BounceClass.RATE_LIMITED),
    **dict.fromkeys((104, 105, 106, 110, 111, 112, 113), BounceClass.BLOCKED),
    **dict.fromkeys((501, 502), BounceClass.CONTENT_RFC),
    103: BounceClass.REPUTATION,
    108: BounceClass.PTR_REQUIRED,
    212: BounceClass.SPAM,
    401: BounceClass.SECURITY,
    506: BounceClass.SENDER_REJECTED,
    508: BounceClass.AUTH_FAILURE,
    705: BounceClass.VIRUS,
}
# Orange's and La Poste's, behind "OFR", "LPN", "OUK" and the number of a server
_ORANGE: Final = {
    **dict.fromkeys((102, 103, 510, 999), BounceClass.BLOCKED),
    **dict.fromkeys((305, 402), BounceClass.SECURITY),
    **dict.fromkeys((403, 405, 415, 421), BounceClass.SENDER_REJECTED),
    **dict.fromkeys((416, 418), BounceClass.USER_UNKNOWN),
    **dict.fromkeys((420, 426), BounceClass.MAILBOX_DISABLED),
    104: BounceClass.RATE_LIMITED,
    417: BounceClass.MAILBOX_FULL,
    505: BounceClass.SYSTEM_ERROR,
    506: BounceClass.SPAM,
    514: BounceClass.MESSAGE_TOO_LARGE,
}
# Spectrum's, behind "AUP#": the first of each range
_SPECTRUM: Final = (
    (1000, BounceClass.BLOCKED),
    (1010, BounceClass.SENDER_REJECTED),
    (1090, BounceClass.SYSTEM_ERROR),
    (1100, BounceClass.PTR_REQUIRED),
    (1160, BounceClass.POLICY),
    (1200, BounceClass.BLOCKED),
    (1300, BounceClass.RATE_LIMITED),
    (1500, BounceClass.SENDER_REJECTED),
    (1530, BounceClass.MESSAGE_TOO_LARGE),
    (1540, BounceClass.RATE_LIMITED),
    (1600, None),
)
_TRAILING_DIGITS: Final = re.compile(r"[-_]?\d{1,8}$")
_NUMBERED: Final = re.compile(r"(ib|aup#|ofr|lpn|ouk)[\w-]{0,8}?(\d{3,4})")


def meaning_of(mark: str) -> BounceClass | None:
    """Return what the mark says; None: nothing that is known."""
    meaning = MARKS.get(mark) or MARKS.get(_TRAILING_DIGITS.sub("", mark))
    if meaning is not None:
        return meaning
    found = _NUMBERED.fullmatch(mark)
    if not found:
        return None
    letters, number = found[1], int(found[2])
    if letters == "ib":
        return _GODADDY.get(number)
    if letters == "aup#":
        of_range = [meaning for first, meaning in _SPECTRUM if first <= number]
        return of_range[-1] if of_range else None
    return _ORANGE.get(number)


# Parts of the names of block lists' hosts
BLOCK_LISTS: Final = (
    *(
        "spamhaus",
        "spamcop",
        "sorbs",
        "barracuda",
        "uceprotect",
        "dnsbl",
        "rbl",
        "abusix",
        "invaluement",
    ),
    *(
        "blacklist",
        "blocklist",
        "block-list",
        "drbl",
        "spamrl",
        "mail-abuse",
        "surbl",
        "uribl",
        "nerd.dk",
        "psbl",
    ),
    *(
        "senderscore",
        "sender.office.com",
        "blocklist.zap",
        "proofpoint.com",
        "csi.cloudmark",
        "cbl.",
        "hostkarma",
    ),
    *(
        "#bl0",
        "spamrats",
        "backscatterer",
        "mailspike",
        "njabl",
        "spfbl",
        "manitu",
        "wpbl",
        "delist",
    ),
)
# Parts of the names of hosts, and of links, that say what it is about
NAMES: Final[dict[str, BounceClass]] = {
    "openspf": BounceClass.AUTH_FAILURE,
    "greylist": BounceClass.GREYLISTED,
    "postgrey": BounceClass.GREYLISTED,
}
