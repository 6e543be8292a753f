"""What somebody wants to have changed of a tenant's plan. Pure."""

from collections.abc import Collection
from typing import Final

import msgspec

from angarium.config.address import is_label
from angarium.tenancy.model import MAX_RATE, TenancyError
from angarium.tenancy.plan import OverQuotaRule, Plan

MAX_QUOTA: Final = 1_000_000_000_000


class PlanChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is given is changed: a number 0, or an empty list, takes the limit away. None: stays as it is."""

    rate: int | None = None
    per_second: int | None = None
    per_hour: int | None = None
    per_day: int | None = None
    per_month: int | None = None
    over_quota: OverQuotaRule | None = None
    streams: tuple[str, ...] | None = None
    pools: tuple[str, ...] | None = None

    def given(self) -> dict[str, object]:
        """Return what is changed, by name."""
        values = msgspec.structs.asdict(self)
        return {name: value for name, value in values.items() if value is not None}


_NUMBERS: Final = ("rate", "per_second", "per_hour", "per_day", "per_month")


def changed_plan(plan: Plan, change: PlanChange) -> Plan:
    """Raises TenancyError."""
    values = change.given()
    for name in _NUMBERS:
        most = MAX_RATE if name == "rate" else MAX_QUOTA
        value = getattr(change, name)
        if value is not None and not 0 <= value <= most:
            raise TenancyError(f"{name}: a number up to {most}; 0 takes it away", field=name)
        if value == 0:
            values[name] = None
    _check_names("streams", change.streams)
    _check_names("pools", change.pools)
    return msgspec.structs.replace(plan, **values)


def _check_names(field: str, names: Collection[str] | None) -> None:
    for each in names or ():
        if not is_label(each):
            raise TenancyError(f"{field}: {each!r} is no name", field=field)
