"""The fields of delivery reports (RFC 3464, RFC 6533), also of those that keep to it badly. Pure."""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from angarium.feedback.mail.addresses import reported_address
from angarium.feedback.mail.encoded_words import decode_words
from angarium.feedback.mail.wording import phrases
from angarium.feedback.report import Action

# C2: ours; each transaction has at most some hundred recipients
MAX_RECIPIENTS: Final = 500
MAX_LINES: Final = 20_000
_FIELD: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,40})[ \t]*:[ \t]*(.*)")
_STATUS: Final = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_KNOWN: Final = frozenset(
    phrases(
        """
    original-recipient | final-recipient | x-actual-recipient | action | status | diagnostic-code | remote-mta |
    reporting-mta | last-attempt-date | will-retry-until | arrival-date | original-envelope-id | dsn-gateway |
    received-from-mta | final-log-id
    """
    )
)
# In the order in which they name whom we sent to
_ADDRESS_FIELDS: Final = (
    "original-recipient",
    "final-recipient",
    "x-actual-recipient",
    "x-failed-recipients",
)
# With one of these a group is about a recipient
_STARTING: Final = frozenset({"original-recipient", "final-recipient"})
_ACTIONS: Final = (
    ("fail", Action.FAILED),
    ("err", Action.FAILED),
    ("undeliver", Action.FAILED),
    ("reject", Action.FAILED),
    ("bounce", Action.FAILED),
    ("delay", Action.DELAYED),
    ("defer", Action.DELAYED),
    ("relay", Action.RELAYED),
    ("expand", Action.EXPANDED),
    ("deliver", Action.DELIVERED),
    ("success", Action.DELIVERED),
)


class StatusGroup(msgspec.Struct, frozen=True, kw_only=True):
    """What a report's fields say of one recipient. "" is what they do not say."""

    address: str
    action: Action | None  # None: none was given, or an unknown one
    status: str  # "5.1.1"
    remark: str  # what stands behind the status
    diagnostic: str  # the Diagnostic-Code's text, without its type
    diagnostic_type: str  # "smtp", "x-unix"
    remote_host: str


def read_groups(text: str) -> list[StatusGroup]:
    """Return what the fields in ``text`` say, a group for each recipient; lines that are no fields are passed over.

    A group ends at a blank line, or where a field that begins one comes again: not all writers separate them.
    """
    groups: list[StatusGroup] = []
    current: dict[str, str] = {}
    last = ""
    for line in text.split("\n", MAX_LINES)[:MAX_LINES]:
        if line[:1] in {" ", "\t"} and last:
            current[last] = f"{current[last]} {line.strip()}"[:8192]
            continue
        found = _FIELD.match(line)
        if found is None:
            last = ""
            if not line.strip():
                _close(current, groups)
            continue
        last = found[1].lower()
        if last in _STARTING and last in current:
            _close(current, groups)
        if last in _KNOWN or last in _ADDRESS_FIELDS:
            current.setdefault(last, found[2].strip())
        else:
            last = ""
        if len(groups) >= MAX_RECIPIENTS:
            return groups
    _close(current, groups)
    return groups


def _close(current: dict[str, str], groups: list[StatusGroup]) -> None:
    """End the group. Fields of one recipient may be torn apart by blank lines: what adds to the last one does so."""
    if not current:
        return
    group = _group(current)
    starts = not _STARTING.isdisjoint(current) or "x-failed-recipients" in current
    if starts:
        groups.append(group)
    elif groups and ("action" in current or "status" in current or "diagnostic-code" in current):
        before = groups[-1]
        if before.action is None and not before.status:
            groups[-1] = msgspec.structs.replace(
                group, address=before.address, remote_host=group.remote_host or before.remote_host
            )
    current.clear()


def _group(values: dict[str, str]) -> StatusGroup:
    address = next(
        (
            found
            for name in _ADDRESS_FIELDS
            if name in values and (found := reported_address(values[name]))
        ),
        "",
    )
    kind, separator, diagnostic = values.get("diagnostic-code", "").partition(";")
    if not separator or len(kind) > 30 or not re.fullmatch(r"\s*[\w/-]+\s*", kind):
        kind, diagnostic = "", values.get("diagnostic-code", "")
    status = _STATUS.search(values.get("status", ""))
    return StatusGroup(
        address=address,
        action=action_of(values.get("action", "")),
        status=status[1] if status else "",
        remark=values["status"][status.end() :].strip(" ()") if status else "",
        diagnostic=decode_words(diagnostic.strip()),
        diagnostic_type=kind.strip().lower(),
        remote_host=values.get("remote-mta", "").rpartition(";")[2].strip()[:255],
    )


def action_of(value: str) -> Action | None:
    word = value.strip().lower()
    return next((action for start, action in _ACTIONS if word.startswith(start)), None)


def find_status(text: str) -> str:
    """Return the first enhanced status code in ``text`` (RFC 3463) that says more than x.0.0, or that; else ""."""
    codes = _STATUS.findall(text)
    return next((code for code in codes if not code.endswith(".0.0")), codes[0] if codes else "")


def has_groups(lines: Iterable[str]) -> bool:
    """Whether a text has a report's fields among its words: some write them there."""
    seen = {line.partition(":")[0].strip().lower() for line in lines if ":" in line[:42]}
    return "final-recipient" in seen or ("original-recipient" in seen and "action" in seen)
