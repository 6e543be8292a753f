"""Marks that providers put into their replies, and hosts whose names say who blocks: what each means. Pure.

A mark is looked up whole, then without its digits: "tss04", then "tss".
"""

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
    "ib007": BounceClass.RATE_LIMITED,
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

# Parts of the names of block lists' hosts
_BLOCK_LISTS: Final = (
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
    **dict.fromkeys(_BLOCK_LISTS, BounceClass.BLOCKED),
}
