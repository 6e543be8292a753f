"""The template engine, set up for one version: bounded in steps, escaping in HTML, and with nothing to reach but its
sources and variables (P5). Pure.
"""

import functools
from collections.abc import Callable
from typing import Any, Final

from minijinja import Environment, pass_state, safe
from minijinja._lowlevel import State

from angarium.templates.bundle import Bundle
from angarium.templates.filters.fault import FilterError, MissingError
from angarium.templates.filters.table import DEFAULTS, FILTERS
from angarium.templates.mustache.helpers import HELPERS, LENIENT, as_text
from angarium.templates.plain_data import Asked
from angarium.templates.sources import Sources

# Ours: steps of the engine for one part; a table of a thousand rows takes a tenth. It takes some 0.1 s
FUEL: Final = 1_000_000
_Markup: Final = type(safe(""))  # of what is HTML already
# The engine writes a slash so, too, which no reader needs, and which makes links hard to find
SLASH: Final = "&#x2f;"
ESCAPED_PARTS: Final = ("html:", "amp:")


class FilterFault(Exception):  # noqa: N818 - as it is called everywhere here
    """What a filter could not do, with its name and the source in which it was asked."""

    def __init__(
        self,
        filter_name: str,
        source_name: str,
        message: str,
        *,
        is_missing: bool = False,
        missing: MissingError | None = None,
    ) -> None:
        """``is_missing``: it was given nothing. ``missing``: what it was to be given, and where that stands."""
        super().__init__(message)
        self.is_missing = is_missing
        self.missing = missing
        self.filter_name = filter_name
        self.source_name = source_name


def engine(
    bundle: Bundle,
    sources: Sources,
    *,
    lenient: bool = False,
    finalizer: Callable[[Any], Any] | None = None,
) -> Environment:
    """Return it. Nothing is compiled before it is rendered, and then once. ``lenient``: whatever the bundle says.

    ``finalizer``: what is asked of each value that is written, instead of ``shown_in``.
    """
    is_lenient = lenient or bundle.missing == "lenient" or bundle.syntax == "mustache"
    helpers = {**HELPERS, **(LENIENT if lenient else {})}
    made = Environment(
        loader=sources.load,
        filters={
            **{name: _written(name, each, is_lenient) for name, each in FILTERS.items()},
            **{name: _named(name, each) for name, each in helpers.items()},
            **DEFAULTS,
        },
        debug=False,  # with it, errors show what is in the context
        fuel=FUEL,
        undefined_behavior="chainable" if is_lenient else "strict",
        auto_escape_callback=_is_escaped,
        path_join_callback=sources.join,
        keep_trailing_newline=True,
        finalizer=finalizer or shown_in(bundle),
    )
    made.remove_global("debug")
    return made


def shown_in(bundle: Bundle) -> Callable[[Any], Any]:
    """Return what says how a value is written; NotImplemented: as the engine does."""
    return _shown_as_mustache if bundle.syntax == "mustache" else _shown


def _is_escaped(source_name: str) -> bool:
    return source_name.startswith(ESCAPED_PARTS)  # FL2


def _shown(value: Any) -> Any:
    """Null is nothing, and true and false are written as data has them."""
    if value is None:
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    return NotImplemented


def _shown_as_mustache(value: Any) -> Any:
    kind = type(value)
    # A number that is whole comes as one, and the engine would write 3.0
    if kind is str or kind is _Markup:
        return NotImplemented
    return "" if kind is Asked else as_text(value)


def _written(name: str, function: Callable[..., Any], is_lenient: bool) -> Callable[..., Any]:
    """Return the filter, which makes nothing of nothing, or says that there is nothing."""
    named = _named(name, function)

    @pass_state
    def call(state: State, value: Any, *arguments: Any, **words: Any) -> Any:
        if value is not None:
            return named(state, value, *arguments, **words)
        if is_lenient:
            return ""
        raise FilterFault(name, state.name, "it is given nothing", is_missing=True)

    return call


def _named(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the filter, whose faults say which one it was."""
    passes_state = getattr(function, "__minijinja_pass_state__", False)

    @functools.wraps(function)
    def call(*arguments: Any, **words: Any) -> Any:
        missing = None
        try:
            return function(*arguments, **words)
        except MissingError as error:
            message, missing = str(error), error
        except FilterError as error:
            message = str(error)
        except TypeError:
            message = "it cannot be given these arguments: see its description"
        source_name = arguments[0].name if passes_state else ""
        raise FilterFault(name, source_name, message, missing=missing)

    return call
