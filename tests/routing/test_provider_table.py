"""Mirrors angarium/routing/provider_table.py, provider_lint.py and config/providers.py."""

import pytest

from angarium.config.providers import all_providers, shipped
from angarium.config.schema import Provider
from angarium.routing.provider_lint import lint_providers
from angarium.routing.provider_table import ProviderTable
from angarium.routing.resolution import SiteName

SITE = SiteName("mx.test")


@pytest.mark.parametrize(
    ("hosts", "provider"),
    [
        (["aspmx.l.google.com", "aspmx2.googlemail.com"], "gmail"),
        (["mx-aol.mail.gm0.yahoodns.net"], "yahoo"),
        (["outlook-com.olc.protection.outlook.com"], "outlook"),
        (["customer-com.mail.protection.outlook.com"], "office365"),
        (["customer-com.a-v1.mx.microsoft"], "office365"),
        (["mx01.mail.icloud.com", "mx02.mail.icloud.com"], "apple"),
        (["us-smtp-inbound-1.mimecast.com"], "mimecast"),
        (["smtp-in.orange.fr"], "orange"),
        (["mx00.gmx.net", "mx01.web.de"], "gmx"),
        (["mx1.qq.com"], "qq"),
        (["163mx01.mxmail.netease.com"], "163"),
    ],
)
def test_shipped_providers_are_told_by_their_hosts(hosts: list[str], provider: str) -> None:
    assert ProviderTable().match(hosts, "example.com", SITE).name == provider


@pytest.mark.parametrize(
    "hosts",
    [
        ["aspmx.l.google.com", "backup.example.com"],  # not EVERY host
        ["evilgoogle.com"],
        ["google.com"],  # the suffix has a dot
        ["google.com.evil.test"],
        [],
    ],
)
def test_other_hosts_are_providers_of_their_own(hosts: list[str]) -> None:
    found = ProviderTable().match(hosts, "example.com", SITE)
    assert (found.name, found.connections, found.messages_per_connection) == (SITE, 10, 100)


def test_a_domain_wins_over_any_suffix() -> None:  # PT1
    table = ProviderTable([Provider(name="special", domains=("Example.COM.",), connections=1)])
    assert table.match(["mx.google.com"], "example.com", SITE).name == "special"
    assert table.find_by_domain("example.com") is table.match([], "example.com", SITE)
    assert table.match(["mx.google.com"], "other.com", SITE).name == "gmail"


def test_the_operators_providers_replace_those_of_their_name_and_come_first() -> None:
    own = [
        Provider(name="gmail", mx_suffixes=(".google.com",), connections=1),
        Provider(name="mine", mx_suffixes=("MX.Yahoodns.net.",), connections=2),
    ]
    table = ProviderTable(own)
    assert table.match(["a.google.com"], "x.test", SITE).connections == 1
    assert table.match(["a.googlemail.com"], "x.test", SITE).name == SITE
    # No dot: the host itself.
    assert table.match(["mx.yahoodns.net"], "x.test", SITE).name == "mine"
    assert table.match(["a.mx.yahoodns.net"], "x.test", SITE).name == "mine"
    assert table.match(["b.yahoodns.net"], "x.test", SITE).name == "yahoo"
    assert [each.name for each in all_providers(own)].count("gmail") == 1


def test_shipped_providers_have_no_dead_rule() -> None:
    assert lint_providers(shipped().provider) == []


@pytest.mark.parametrize(
    ("providers", "kind"),
    [
        ([Provider(name="a")], "no_match"),
        ([Provider(name="default", domains=("a.test",))], "never_matches"),
        ([Provider(name="a", mx_suffixes=("*.a.test",))], "never_matches"),
        ([Provider(name="a", mx_suffixes=("",))], "never_matches"),
        ([Provider(name="a", mx_suffixes=("..a.test",))], "never_matches"),
        ([Provider(name="a", mx_suffixes=(r"\.a\.test$",))], "never_matches"),
        ([Provider(name="a", domains=(".a.test",))], "never_matches"),
        ([Provider(name="a", mx_suffixes=(".a.test", "A.test."))], None),
        ([Provider(name="a", mx_suffixes=("a.test", ".mx.A.test"))], "duplicate"),
        (
            [Provider(name="a", domains=("a.test",)), Provider(name="a", domains=("b.test",))],
            "duplicate",
        ),
        (
            [
                Provider(name="a", mx_suffixes=(".test",)),
                Provider(name="b", mx_suffixes=(".b.test",)),
            ],
            "shadowed",
        ),
        (
            [Provider(name="a", domains=("a.test",)), Provider(name="b", domains=("A.test.",))],
            "shadowed",
        ),
        (
            [
                Provider(name="a", mx_suffixes=(".b.test",)),
                Provider(name="b", mx_suffixes=(".test",)),
            ],
            None,
        ),
    ],
)
def test_rules_that_never_act_are_found(providers: list[Provider], kind: str | None) -> None:
    assert [each.kind for each in lint_providers(providers)] == ([kind] if kind else [])


def test_a_smart_host_has_room_for_its_clients_unless_the_operator_says_otherwise() -> None:
    name = SiteName("smtp://127.0.0.1:2526")
    assert ProviderTable().own_of(name).connections == 20
    own = Provider(name=name, connections=3)
    assert ProviderTable([own]).own_of(name) == own
    assert [f for f in lint_providers([own]) if f.kind == "no_match"] == []
