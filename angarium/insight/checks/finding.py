"""What a check found."""

from typing import Literal, NamedTuple

import msgspec

Verdict = Literal["ok", "warn", "fail"]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What a finding rests on, for who examines one thing at a time."""

    subject: str  # of which source, domain or file: "ip1: 192.0.2.10", "example.com"
    expected: str = ""  # a record to copy, where there is one to publish
    found: str = ""
    remedy: str = ""  # "": nothing is to be done


class Finding(NamedTuple):
    name: str
    verdict: Verdict
    text: str  # and what to do, unless it is ok
    evidence: Evidence | None = None
