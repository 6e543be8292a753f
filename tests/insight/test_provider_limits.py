"""Mirrors angarium/insight/provider_limits.py."""

import msgspec

from angarium.config.providers import find_shipped
from angarium.config.schema import Provider
from angarium.insight.provider_limits import LimitShown, limits_shown, matched_text
from angarium.mta.egress.policy import Limits

GMAIL = find_shipped("gmail")
assert GMAIL is not None


def of(
    provider: Provider, *configured: Provider, now: Limits | None = None
) -> dict[str, LimitShown]:
    return {each.key: each for each in limits_shown(provider, configured, now)}


def test_what_the_operator_changed_is_told_from_what_ships() -> None:
    mine = msgspec.structs.replace(GMAIL, connections=2)
    shown = of(mine, mine)
    assert (shown["connections"].value, shown["connections"].origin) == ("2", "configured")
    assert (shown["tls"].value, shown["tls"].origin) == ("required", "shipped")
    assert "mx_suffixes" not in shown


def test_a_site_that_nobody_names_has_the_defaults() -> None:
    shown = of(Provider(name="site.example"))
    assert {each.origin for each in shown.values()} == {"default"}


def test_a_default_that_the_operator_wrote_is_configured_at_sites_that_nobody_names() -> None:
    default = Provider(name="default", connections=3)
    site = msgspec.structs.replace(default, name="site.example")
    shown = of(site, default)
    assert (shown["connections"].value, shown["connections"].origin) == ("3", "configured")
    assert shown["idle_s"].origin == "default"


def test_what_is_in_force_is_told_where_it_is_narrower() -> None:
    limits = Limits(connections=1, transfers=GMAIL.messages_per_connection, recipients=7)
    shown = of(GMAIL, now=limits)
    assert (shown["connections"].now, shown["recipients_per_message"].now) == ("1", "7")
    assert shown["messages_per_connection"].now == ""


def test_what_a_provider_matches_is_told_in_words() -> None:
    assert matched_text(GMAIL) == "MX hosts *.google.com, *.googlemail.com"
    assert matched_text(Provider(name="p", domains=("a.test",))) == "domains a.test"
    assert matched_text(Provider(name="site.example")) == "the site of that name"
