"""What a reload changes in place, what a process must be started anew for, and what needs a restart. Pure."""

import msgspec

from angarium.config.schema import Config

# What each role reads once, when it is started. Certificates, DKIM keys and users are read again in place.
_READ_AT_START = {
    "ingress": ("listener", "route", "provider", "delivery"),
    "delivery": ("delivery", "dns", "route", "pool", "source", "provider", "dkim"),
    "platform": ("log",),
}


def effective(old: Config, new: Config) -> Config:
    """Return ``new`` with what only a restart can change as it was."""
    listener = new.listener if _same_places(old, new) else old.listener
    return msgspec.structs.replace(new, server=old.server, queue=old.queue, listener=listener)


def needs_restart(old: Config, new: Config) -> list[str]:
    """Return the keys that differ and take effect only when the whole server starts, as the operator writes them."""
    found = [
        f"{table}.{key}"
        for table in ("server", "queue")
        for key in getattr(old, table).__struct_fields__
        if getattr(getattr(old, table), key) != getattr(getattr(new, table), key)
    ]
    if not _same_places(old, new):
        found.append("listener")
    return found


def needs_new_process(old: Config, new: Config) -> dict[str, list[str]]:
    """Return for each role the tables that differ and that its processes read only when they start."""
    found: dict[str, list[str]] = {}
    for role, tables in _READ_AT_START.items():
        changed = [table for table in tables if _at_start(old, table) != _at_start(new, table)]
        if changed:
            found[role] = changed
    return found


def _at_start(config: Config, table: str) -> object:
    match table:
        case "dkim":
            return msgspec.structs.replace(config.dkim, keys=())
        case "log":
            return config.log.mail_log
        case _:
            return getattr(config, table)


def _same_places(old: Config, new: Config) -> bool:
    """Whether the bound sockets still serve the listeners: same kinds at same addresses, in the same order."""
    return [(each.kind, each.address) for each in old.listener] == [
        (each.kind, each.address) for each in new.listener
    ]
