"""What a reload can change in a running server, and what needs a restart. Pure."""

import msgspec

from angarium.config.schema import Config


def effective(old: Config, new: Config) -> Config:
    """Return ``new`` with what only a restart can change as it was."""
    listener = new.listener if _same_places(old, new) else old.listener
    return msgspec.structs.replace(new, server=old.server, queue=old.queue, listener=listener)


def needs_restart(old: Config, new: Config) -> list[str]:
    """Return the keys that differ and take effect only at the next start, as the operator writes them."""
    found = [
        f"{table}.{key}"
        for table in ("server", "queue")
        for key in getattr(old, table).__struct_fields__
        if getattr(getattr(old, table), key) != getattr(getattr(new, table), key)
    ]
    if not _same_places(old, new):
        found.append("listener")
    return found


def _same_places(old: Config, new: Config) -> bool:
    """Whether the bound sockets still serve the listeners: same kinds at same addresses, in the same order."""
    return [(each.kind, each.address) for each in old.listener] == [
        (each.kind, each.address) for each in new.listener
    ]
