"""What a key may do: scopes per resource and action, and the roles that are sets of them. Pure.

A scope is ``resource:action``; ``resource`` alone is all of its actions, ``*`` all that a tenant may do with its own.
What concerns the whole server (``queue``, ``tenants``, ``metrics``) is only had by name.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from angarium.config.schema import Role
from angarium.tenancy.model import KeyKind, TenancyError

EVERYTHING: Final = "*"
_OF_TENANT: Final[Mapping[str, tuple[str, ...]]] = {
    "emails": ("send", "read", "cancel"),
    "events": ("read",),
    "stats": ("read",),
    "suppressions": ("read", "write"),
    "topics": ("read", "write"),
    "webhooks": ("read", "write"),
    "templates": ("read", "write"),
    "campaigns": ("read", "write"),
    "domains": ("read", "write"),
    "keys": ("read", "write"),
    "users": ("read", "write"),
    "persons": ("export", "erase"),
}
_OF_SERVER: Final[Mapping[str, tuple[str, ...]]] = {
    "queue": ("read", "act"),
    "tenants": ("read", "write"),
    "metrics": ("read",),
}
RESOURCES: Final = {**_OF_TENANT, **_OF_SERVER}
# What people write for it
_ALSO: Final = {
    **{name.removesuffix("s"): name for name in RESOURCES if name.endswith("s")},
    "send": "emails:send",
}

ROLES: Final[Mapping[Role, tuple[str, ...]]] = {
    "owner": (EVERYTHING, "queue", "tenants", "metrics"),
    "admin": (EVERYTHING,),
    "operator": ("emails", "events", "stats", "suppressions", "campaigns", "queue", "metrics"),
    "analyst": ("emails:read", "events", "stats", "suppressions:read", "campaigns:read", "metrics"),
    "read-only": tuple(f"{name}:read" for name, actions in _OF_TENANT.items() if "read" in actions),
}
USUAL: Final[Mapping[KeyKind, tuple[str, ...]]] = {
    "api": (EVERYTHING,),
    "smtp": ("emails:send",),
    "ses": ("emails", "suppressions", "templates"),
}


def read_scopes(words: Iterable[str]) -> tuple[str, ...]:
    """Return scopes as they are kept, each once, in order. Raises TenancyError that names the wrong one."""
    found = tuple(dict.fromkeys(_scope(each.strip().lower()) for each in words if each.strip()))
    if not found:
        raise TenancyError("a key needs a scope, such as emails:send", field="scopes")
    return found


def allows(scopes: Iterable[str], resource: str, action: str) -> bool:
    """Whether who has the scopes may do this."""
    wanted = {resource, f"{resource}:{action}"}
    if resource in _OF_TENANT:
        wanted.add(EVERYTHING)
    return not wanted.isdisjoint(scopes)


def is_of_server(scope: str) -> bool:
    """Whether it is about the whole server, not about what a tenant has."""
    return scope.partition(":")[0] in _OF_SERVER


def find_uncovered(scopes: Iterable[str], wanted: Iterable[str]) -> str | None:
    """Return the first of ``wanted`` that allows more than ``scopes`` do; None: who has these may give those."""
    held = tuple(scopes)
    for each in wanted:
        resource, colon, action = each.partition(":")
        resources = _OF_TENANT if each == EVERYTHING else {resource: RESOURCES[resource]}
        for name, actions in resources.items():
            if not all(allows(held, name, it) for it in ((action,) if colon else actions)):
                return each
    return None


def _scope(word: str) -> str:
    if word == EVERYTHING:
        return word
    resource, colon, action = _ALSO.get(word, word).partition(":")
    resource = _ALSO.get(resource, resource)
    if resource not in RESOURCES:
        text = f"no scope is called {word!r}; there are *, {', '.join(RESOURCES)}"
        raise TenancyError(text, field="scopes")
    actions = RESOURCES[resource]
    if colon and action not in actions:
        text = f"{resource} has no action {action!r}; it has {', '.join(actions)}"
        raise TenancyError(text, field="scopes")
    return f"{resource}:{action}" if colon else resource
