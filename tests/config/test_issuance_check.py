"""Mirrors angarium/config/issuance_check.py and tracking_host.py."""

from pathlib import Path

import pytest

from angarium.config.error import ConfigError
from angarium.config.loader import parse
from angarium.config.schema import Tracking
from angarium.config.tracking_host import default_host, links_lead_to, reserved_hosts

BASE = """
[server]
hostname = "mx1.example.com"
[[listener]]
kind = "http"
address = "127.0.0.1:80"
serves = ["tracking"]
[[listener]]
kind = "http"
address = "127.0.0.1:443"
tls = "implicit"
certificate = "c.pem"
private_key = "k.pem"
[tracking]
host = "T.example.com:8443"
[tenancy]
origin = "https://app.example.com"
[uploads]
url = "https://api.example.com:8443"
"""
ACME = "[acme]\nagree_terms = true\n"
HOST = '[[tracking_certificate]]\nhost = "t.example.com"\ncertificate = "c"\nprivate_key = "k"\n'


def problem(text: str) -> str:
    with pytest.raises(ConfigError) as found:
        parse(text, Path("/etc/angarium.toml"))
    return str(found.value)


def test_files_are_beside_the_configuration() -> None:
    more = 'ca_file = "ca.pem"\naccount_id = "7"\naccount_key_file = "seven"\n'
    config = parse(BASE + ACME + more + HOST, Path("/etc/angarium.toml"))
    assert config.acme is not None
    assert config.acme.ca_file == "/etc/ca.pem"
    assert config.acme.account_key_file == "/etc/seven"
    assert config.tracking_certificate[0].certificate == "/etc/c"
    assert config.tracking_certificate[0].private_key == "/etc/k"


def test_names_of_the_servers_own_are_no_tenants() -> None:
    config = parse(BASE, Path("/etc/angarium.toml"))
    assert (default_host(config).host, default_host(config).port) == ("t.example.com", 8443)
    assert reserved_hosts(config) == {
        "mx1.example.com",
        "t.example.com",
        "app.example.com",
        "api.example.com",
    }


@pytest.mark.parametrize(
    ("configured", "own", "found"),
    [
        ("t.own.example", "", "t.own.example"),
        ("t.own.example", "t.shop.example", "t.shop.example"),
        ("t.own.example:8443", "t.shop.example", "t.shop.example:8443"),
        (None, "t.shop.example", "t.shop.example"),
        (None, "", ""),
    ],
)
def test_links_lead_to_a_tenants_own_host_at_the_same_port(
    configured: str | None, own: str, found: str
) -> None:
    assert links_lead_to(Tracking(host=configured), own) == found


CASES = {
    "terms": ("[acme]\n", "agree_terms"),
    "plain": (ACME + 'directory_url = "http://a.example/"\n', "https://host/path"),
    "contact": (ACME + 'contact = ["nobody"]\n', "no mail address"),
    "half": (ACME + 'account_id = "7"\n', "account_key_file"),
    "twice": (HOST + HOST, "used twice"),
    "name": (HOST.replace("t.example.com", "T.example.com"), "no tracking host"),
}


@pytest.mark.parametrize("case", list(CASES))
def test_what_cannot_work_is_named(case: str) -> None:
    more, text = CASES[case]
    assert text in problem(BASE + more)


def test_an_authority_needs_a_listener_that_answers_it() -> None:
    only_tls = BASE.replace('serves = ["tracking"]', 'serves = ["health"]', 1)
    assert "without TLS" in problem(only_tls + ACME)


def test_certificates_need_a_listener_that_shows_them() -> None:
    clear = BASE.replace('tls = "implicit"\ncertificate = "c.pem"\nprivate_key = "k.pem"\n', "")
    assert "shown by no listener" in problem(clear + HOST)
