"""The names of our own filters, as a template writes them. Pure."""

from collections.abc import Callable
from typing import Any, Final

from minijinja import pass_state
from minijinja._lowlevel import State

from angarium.templates.filters import amounts, moments
from angarium.templates.filters.fault import FilterError

# What the context of each rendering has for these filters, beside the variables
LOCALE: Final = "_locale"
TIME_ZONE: Final = "_time_zone"


@pass_state
def _date(state: State, value: Any, style: str = "medium", tz: str = "", locale: str = "") -> str:
    return moments.date(value, style, tag=_tag(state, locale), zone=_zone(state, tz))


@pass_state
def _time(state: State, value: Any, style: str = "short", tz: str = "", locale: str = "") -> str:
    return moments.time(value, style, tag=_tag(state, locale), zone=_zone(state, tz))


@pass_state
def _datetime(
    state: State, value: Any, style: str = "medium", tz: str = "", locale: str = ""
) -> str:
    return moments.datetime(value, style, tag=_tag(state, locale), zone=_zone(state, tz))


@pass_state
def _number(state: State, value: Any, decimals: int | None = None, locale: str = "") -> str:
    return amounts.number(value, decimals, tag=_tag(state, locale))


@pass_state
def _percent(state: State, value: Any, decimals: int | None = None, locale: str = "") -> str:
    return amounts.percent(value, decimals, tag=_tag(state, locale))


@pass_state
def _money(
    state: State, value: Any, currency: Any = "", decimals: int | None = None, locale: str = ""
) -> str:
    return amounts.money(value, currency, decimals, tag=_tag(state, locale))


@pass_state
def _plural(state: State, value: Any, locale: str = "", **words: str) -> str:
    return amounts.plural(value, tag=_tag(state, locale), **words)


def _default(value: Any, other: Any = "", boolean: bool = False) -> Any:
    """As the engine's own, but of null, too: a variable that may be left out is null in a strict template."""
    return other if value is None or (boolean and not value) else value


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "number": _number,
    "percent": _percent,
    "money": _money,
    "plural": _plural,
}
DEFAULTS: Final[dict[str, Callable[..., Any]]] = {"default": _default, "d": _default}


def _tag(state: State, locale: str) -> str:
    return str(locale or state.lookup(LOCALE) or "")


def _zone(state: State, tz: str) -> str:
    if not isinstance(tz, str):
        raise FilterError("a time zone is named: tz='Europe/Vienna'")
    return str(tz or state.lookup(TIME_ZONE) or "UTC")
