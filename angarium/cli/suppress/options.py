"""Options that the commands of ``postmaster suppress`` share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from angarium.insight.suppression_csv import REASONS
from angarium.queue import Scope
from angarium.queue.act import ACTOR_CHARACTERS
from angarium.queue.suppressions import parse_scope

_F = TypeVar("_F", bound=Callable[..., Any])


class ScopeText(click.ParamType[Scope]):
    """``all``, ``tenant:acme`` or ``tenant:acme/stream:news``."""

    name = "scope"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Scope:
        try:
            return value if isinstance(value, Scope) else parse_scope(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


why_option = click.option(
    "--why",
    default="",
    metavar="TEXT",
    help=f"Why you do it, for the events (at most {ACTOR_CHARACTERS} characters).",
)


def filter_options(command: _F) -> _F:
    for option in reversed(
        (
            click.option("--prefix", default="", help="Addresses that begin so."),
            click.option("--domain", default="", help="Addresses of this domain."),
            click.option("--scope", type=ScopeText(), help="all, tenant:NAME, ..."),
            click.option(
                "--reason",
                default="",
                type=click.Choice(["", *REASONS]),
                metavar="REASON",
                help="user_unknown, mailbox_full, complaint, unsubscribe, manual, import, ...",
            ),
        )
    ):
        command = option(command)
    return command
