"""Mirrors angarium/tenancy/scopes.py."""

import pytest

from angarium.tenancy.scopes import find_uncovered


@pytest.mark.parametrize(
    ("held", "wanted", "uncovered"),
    [
        (("*",), ("emails:send", "keys", "*"), None),
        (("*",), ("emails", "queue:read"), "queue:read"),
        (("emails",), ("emails:send", "emails:read", "emails"), None),
        (("emails:send",), ("emails:send", "emails"), "emails"),
        (("emails:send", "emails:read", "emails:cancel"), ("emails",), None),
        (("emails", "keys"), ("*",), "*"),
        (("keys:write",), ("tenants",), "tenants"),
        ((), ("events:read",), "events:read"),
    ],
)
def test_who_has_less_cannot_give_more(
    held: tuple[str, ...], wanted: tuple[str, ...], uncovered: str | None
) -> None:
    assert find_uncovered(held, wanted) == uncovered
