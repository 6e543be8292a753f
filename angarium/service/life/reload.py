"""What a reload changes in place, what a process must be started anew for, and what needs a restart. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from angarium.config.schema import Config
from angarium.service.role_table import READ_ONCE, RoleTable


class ReloadPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The way from one configuration to the next."""

    config: Config  # what holds from now on: the new one, but for what needs a restart
    restart: Sequence[str]  # keys that differ and wait for a restart, as the operator writes them
    anew: Mapping[str, Sequence[str]]  # role -> why its processes must be started anew


def plan_reload(table: RoleTable, old: Config, new: Config, *, can_renew: bool) -> ReloadPlan:
    """``can_renew``: a role can be started anew by itself. Else what it reads at its start waits for a restart, too."""
    restart = [key for key in changed_keys(old, new) if key.partition(".")[0] in READ_ONCE]
    if not _same_places(old, new):
        restart.append("listener")
    config = _with_old(old, new, restart)
    anew = _at_start(table, changed_keys(old, config))
    if can_renew:
        return ReloadPlan(config=config, restart=restart, anew=anew)
    waiting = list(dict.fromkeys(key for keys in anew.values() for key in keys))
    return ReloadPlan(config=_with_old(old, config, waiting), restart=[*restart, *waiting], anew={})


def changed_keys(old: Config, new: Config) -> list[str]:
    """Return what differs: ``table.key``, or ``table`` for one that may be written several times."""
    return [key for key in all_keys() if _value(old, key) != _value(new, key)]


def all_keys() -> list[str]:
    """Return ``table.key`` of each table, and ``table`` where an operator may write several."""
    found: list[str] = []
    for table in msgspec.structs.fields(Config):
        if isinstance(table.type, type) and issubclass(table.type, msgspec.Struct):
            found += [f"{table.name}.{key}" for key in table.type.__struct_fields__]
        else:
            found.append(table.name)
    return found


def _at_start(table: RoleTable, changed: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in changed:
        for role in table:
            if role.reads.find(key) == "at_start":
                found.setdefault(role.name, []).append(key)
    return found


def _value(config: Config, key: str) -> object:
    table, _, name = key.partition(".")
    value = getattr(config, table)
    return getattr(value, name) if name else value


def _with_old(old: Config, new: Config, keys: Iterable[str]) -> Config:
    """Return ``new`` with these keys as they were."""
    for key in keys:
        table, _, name = key.partition(".")
        value = _value(old, key)
        if name:
            value = msgspec.structs.replace(getattr(new, table), **{name: value})
        new = msgspec.structs.replace(new, **{table: value})
    return new


def _same_places(old: Config, new: Config) -> bool:
    """Whether the bound sockets still serve the listeners: same kinds at same addresses, in the same order."""
    return [(each.kind, each.address) for each in old.listener] == [
        (each.kind, each.address) for each in new.listener
    ]
