"""The options that say which recipients are meant, the same for each queue command."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from angarium.cli.duration import Duration
from angarium.queue import Filter
from angarium.routing.host_name import canonical_address, canonical_name

_OPTIONS = (
    click.option("--tenant", "tenants", multiple=True, help="Of this tenant."),
    click.option(
        "--sender",
        "senders",
        multiple=True,
        help="Of this sender: an address, or @domain; <> is the null sender.",
    ),
    click.option("--recipient", "recipients", multiple=True, help="To this address."),
    click.option("--domain", "domains", multiple=True, help="To this domain."),
    click.option(
        "--provider",
        "providers",
        multiple=True,
        help="To this mailbox provider, as far as it is known.",
    ),
    click.option("--campaign", "campaigns", multiple=True, help="Of this campaign."),
    click.option(
        "--state",
        "states",
        type=click.Choice(["scheduled", "held", "in_flight"]),
        multiple=True,
        help="In this state.",
    ),
    click.option(
        "--reply",
        "replies",
        metavar="PATTERN",
        multiple=True,
        help="Whose last attempt got a reply with this in it, * for anything: '421*rate'.",
    ),
    click.option(
        "--held-by",
        "rules",
        metavar="RULE",
        type=click.IntRange(1),
        multiple=True,
        help="Held by this hold rule (postmaster queue rules).",
    ),
    click.option(
        "--older-than",
        "ages_ms",
        type=Duration(),
        multiple=True,
        help="Accepted longer ago than this: 90s, 15m, 1h30m, 2d.",
    ),
    click.option(
        "--id", "ids", multiple=True, help="A message <uuid> or a recipient <uuid>.<n>; may be cut."
    ),
)


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets ``wanted: Filter``. An option given empty is refused, not ignored."""

    @functools.wraps(command)
    def with_filter(
        *args: Any,
        tenants: tuple[str, ...],
        senders: tuple[str, ...],
        recipients: tuple[str, ...],
        domains: tuple[str, ...],
        providers: tuple[str, ...],
        campaigns: tuple[str, ...],
        states: tuple[Any, ...],
        replies: tuple[str, ...],
        rules: tuple[int, ...],
        ages_ms: Sequence[int],
        ids: tuple[str, ...],
        **kwargs: Any,
    ) -> Any:
        wanted = Filter(
            tenants=_told("tenant", tenants),
            senders=tuple(map(_sender, _told("sender", senders))),
            recipients=tuple(map(canonical_address, _told("recipient", recipients))),
            domains=tuple(map(canonical_name, _told("domain", domains))),
            providers=_told("provider", providers),
            campaigns=_told("campaign", campaigns),
            states=states,
            replies=_told("reply", replies),
            rules=rules,
            older_than_ms=max(ages_ms, default=None),
            ids=_told("id", ids),
        )
        return command(*args, wanted=wanted, **kwargs)

    wrapped: Callable[..., Any] = with_filter
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def _told(option: str, values: tuple[str, ...]) -> tuple[str, ...]:
    if "" in values:
        raise click.UsageError(f"--{option} is empty; leave it out, or say which")
    return values


def _sender(text: str) -> str:
    return "" if text == "<>" else canonical_address(text)
