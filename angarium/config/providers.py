"""Mailbox providers that Angarium knows, and their usual limits per egress source. A ``[[provider]]`` of the same
name changes the keys that it gives and keeps the others; the operator's come first.

Starting points gathered from published guidance: check them against the receivers' own postmaster pages.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from angarium.config.schema import Provider

# Matches nothing: the limits of every site of no known provider.
DEFAULT_PROVIDER: Final = "default"

SHIPPED_PROVIDERS: Final = (
    Provider(name=DEFAULT_PROVIDER, connections=10, messages_per_connection=100),
    Provider(  # Workspace too
        name="gmail",
        mx_suffixes=(".google.com", ".googlemail.com"),
        connections=5,
        messages_per_connection=50,
        tls="required",
    ),
    Provider(  # AOL, AT&T and others too
        name="yahoo",
        mx_suffixes=(".yahoodns.net",),
        connections=10,
        messages_per_connection=20,
    ),
    Provider(
        name="outlook",
        mx_suffixes=(".olc.protection.outlook.com",),
        connections=5,
        messages_per_connection=50,
    ),
    Provider(  # each customer has an MX name of its own: the suffix is all that they share
        name="office365",
        mx_suffixes=(".mail.protection.outlook.com", ".mx.microsoft"),
        connections=5,
        messages_per_connection=50,
    ),
    Provider(
        name="apple",
        mx_suffixes=(".icloud.com",),
        connections=10,
        messages_per_connection=5,
    ),
    Provider(
        name="comcast",
        domains=("comcast.net",),
        connections=25,
        messages_per_connection=1000,
        tls="required",
        idle_s=30.0,
    ),
    Provider(  # 10 are allowed per region; regions are not told apart, so this is the lower ceiling
        name="mimecast",
        mx_suffixes=(".mimecast.com", ".mimecast.co.za", ".mimecast-offshore.com"),
        connections=10,
        messages_per_connection=100,
    ),
    Provider(
        name="orange",
        mx_suffixes=(".orange.fr",),
        connections=2,
        messages_per_connection=100,
        recipients_per_message=100,
        tls="required",
    ),
    Provider(
        name="gmx",
        mx_suffixes=(".gmx.net", ".web.de"),
        connections=4,
        messages_per_connection=20,
        tls="required",
    ),
    Provider(
        name="yahoo-japan",
        domains=("yahoo.co.jp",),
        connections=2,
        messages_per_connection=20,
    ),
    Provider(
        name="qq",
        mx_suffixes=(".qq.com",),
        connections=4,
        messages_per_connection=8,
        tls="required",
    ),
    Provider(
        name="163",
        mx_suffixes=(".netease.com",),
        connections=4,
        messages_per_connection=7,
        tls="required",
    ),
    Provider(
        name="barracuda",
        mx_suffixes=(".barracudanetworks.com",),
        connections=10,
        messages_per_connection=15,
        tls="required",
    ),
    Provider(
        name="netvigator",
        mx_suffixes=(".netvigator.com",),
        connections=5,
        messages_per_connection=10,
        tls="required",
    ),
    Provider(
        name="kpn",
        mx_suffixes=(".kpnmail.nl",),
        connections=10,
        messages_per_connection=10,
        tls="required",
    ),
)


# A smart host expects its clients' mail: more than a stranger's site would like.
SMART_HOST = Provider(name="smart host", connections=20, messages_per_connection=1000)


def complete_providers(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give each ``[[provider]]`` of a shipped name, or of a smart host, what ships for each key that it leaves out.

    Without it a limit written for Gmail would lose Gmail's hosts, and so limit nothing.
    """
    written = tree.get("provider")
    if not isinstance(written, list):
        return tree
    return {**tree, "provider": [_completed(each) for each in written]}


def _completed(written: Any) -> Any:
    if not isinstance(written, Mapping) or not isinstance(name := written.get("name"), str):
        return written  # msgspec says what is wrong with it
    shipped = find_shipped(name)
    return written if shipped is None else {**msgspec.to_builtins(shipped), **written}


def find_shipped(name: str) -> Provider | None:
    """Return what a provider of that name is without the operator's words; None: nothing ships for it."""
    if name.startswith(("smtp://", "smtps://")):
        return SMART_HOST
    return next((each for each in SHIPPED_PROVIDERS if each.name == name), None)


def all_providers(own: Sequence[Provider]) -> tuple[Provider, ...]:
    """Return the operator's, then the shipped ones whose names are not among them."""
    names = {each.name for each in own}
    return (*own, *(each for each in SHIPPED_PROVIDERS if each.name not in names))
