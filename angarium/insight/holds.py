"""Operators' standing holds, as rules that are in force: their names, whom they are about, what they do. Pure."""

import re
from typing import Final

from angarium.mta.egress.narrowing import Narrowing
from angarium.queue.hold_rule import HoldRule

_NAME: Final = re.compile(r"hold-([1-9][0-9]{0,17})")


def hold_name(rule_id: int) -> str:
    """Return the name by which it is listed among rules, and undone."""
    return f"hold-{rule_id}"


def find_hold_id(name: str) -> int | None:
    """Return the id that such a name has; None: it is another rule's name."""
    match = _NAME.fullmatch(name)
    return None if match is None else int(match[1])


def about_text(rule: HoldRule, *, without: str = "") -> str:
    """Return its conditions: ``tenant shop, domain example.com``. ``without``: one that is said elsewhere."""
    given = {
        "tenant": rule.tenant,
        "sender": None if rule.sender is None else rule.sender or "<>",
        "domain": rule.domain,
        "provider": rule.provider,
        "campaign": rule.campaign,
    }
    return ", ".join(
        f"{name} {value}" for name, value in given.items() if value is not None and name != without
    )


def hold_narrowing(rule: HoldRule) -> Narrowing:
    scope = about_text(rule, without="provider")
    because = f": {rule.why}" if rule.why else ""
    return Narrowing(
        kind="hold",
        name=hold_name(rule.id),
        text=f"held by {rule.who}{because}",
        provider=rule.provider or "",
        scope=scope,
        until=rule.until,
        suspends=bool(rule.provider) and not scope,
    )
