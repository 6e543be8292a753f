"""Mirrors angarium/config/providers.py and shipped/providers.toml."""

import pytest

from angarium.config.loader import convert
from angarium.config.providers import all_providers, parse_shipped, shipped
from angarium.config.schema import Provider

SERVER = {"hostname": "mx.example"}


def providers(*written: dict[str, object]) -> dict[str, Provider]:
    config, problems = convert({"server": SERVER, "provider": list(written)})
    assert config is not None, problems
    return {each.name: each for each in all_providers(config.provider)}


def test_each_shipped_provider_has_rates_and_smart_hosts_have_none() -> None:
    rates = {each.name: (each.message_rate, each.connection_rate) for each in shipped().provider}
    assert rates.pop("yahoo-japan") == ("10/s", "100/min")
    assert set(rates.values()) == {("100/s", "100/min")}
    smart_host = shipped().smart_host
    assert (smart_host.message_rate, smart_host.connection_rate) == ("unlimited", "unlimited")


def test_a_key_that_is_written_changes_that_key_only() -> None:
    gmail = providers({"name": "gmail", "message_rate": "5/min"})["gmail"]
    assert (gmail.message_rate, gmail.connection_rate) == ("5/min", "100/min")
    assert (gmail.connections, gmail.tls) == (5, "required")
    assert gmail.mx_suffixes == (".google.com", ".googlemail.com")


def test_an_own_provider_has_the_rates_that_are_written() -> None:
    own = providers({"name": "acme", "domains": ["acme.example"], "connection_rate": "10/min"})
    assert (own["acme"].message_rate, own["acme"].connection_rate) == ("unlimited", "10/min")


@pytest.mark.parametrize("key", ["message_rate", "connection_rate", "tenant_message_rate"])
def test_a_rate_that_cannot_be_read_is_named(key: str) -> None:
    config, problems = convert({"server": SERVER, "provider": [{"name": "gmail", key: "fast"}]})
    assert config is None
    assert [(each.path, "write 100/s" in each.text) for each in problems] == [
        (("provider", 0, key), True)
    ]
    _, problems = convert({"server": SERVER, "provider": [{"name": "gmail", key: 100}]})
    assert problems[0].path == ("provider", 0, key)
    assert problems[0].text.startswith('must be a rate: "100/s, 10/min')


@pytest.mark.parametrize(
    "text",
    [
        '[[provider]]\nname = "a"\nmessage_rate = "x"\n[smart_host]\nname = "s"',
        '[[provider]]\nname = "a"\nmesage_rate = "1/s"\n[smart_host]\nname = "s"',
        '[[provider]]\nname = "a"',
    ],
)
def test_a_shipped_file_with_a_fault_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"provider|smart_host"):
        parse_shipped(text)
