"""The options that say which recipients are meant, the same for each queue command."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from angarium.cli.duration import Duration
from angarium.queue import Filter
from angarium.routing.host_name import canonical_name

_OPTIONS = (
    click.option("--tenant", help="Of this tenant."),
    click.option("--sender", help="Of this sender: an address, or @domain; <> is the null sender."),
    click.option("--recipient", help="To this address."),
    click.option("--domain", help="To this domain."),
    click.option("--provider", help="To this mailbox provider, as far as it is known."),
    click.option(
        "--state",
        type=click.Choice(["scheduled", "held", "in_flight"]),
        help="In this state.",
    ),
    click.option(
        "--older-than",
        "older_than_ms",
        type=Duration(),
        help="Accepted longer ago than this: 90s, 15m, 1h30m, 2d.",
    ),
    click.option("--id", "ids", multiple=True, help="A message <uuid> or a recipient <uuid>.<n>."),
)


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets ``wanted: Filter``. An option given empty is refused, not ignored."""

    @functools.wraps(command)
    def with_filter(
        *args: Any,
        tenant: str | None,
        sender: str | None,
        recipient: str | None,
        domain: str | None,
        provider: str | None,
        state: Any,
        older_than_ms: int | None,
        ids: Sequence[str],
        **kwargs: Any,
    ) -> Any:
        given = {
            "tenant": tenant,
            "sender": sender,
            "recipient": recipient,
            "domain": domain,
            "provider": provider,
        }
        for name, value in given.items():
            if value == "":
                raise click.UsageError(f"--{name} is empty; leave it out, or say which")
        if "" in ids:
            raise click.UsageError("--id is empty; leave it out, or say which")
        given["sender"] = "" if sender == "<>" else _canonical_address(sender)
        given["recipient"] = _canonical_address(recipient)
        given["domain"] = None if domain is None else canonical_name(domain)
        wanted = Filter(state=state, older_than_ms=older_than_ms, ids=tuple(ids), **given)
        return command(*args, wanted=wanted, **kwargs)

    wrapped: Callable[..., Any] = with_filter
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def _canonical_address(address: str | None) -> str | None:
    """With the domain as the queue has it: in A-labels."""
    if address is None:
        return None
    local_part, at, domain = address.rpartition("@")
    return local_part + at + canonical_name(domain) if at else address
