"""The proxy of a source, as the loader reads it."""

from pathlib import Path

import pytest

from angarium.config import ConfigError
from angarium.config.address import Proxy, parse_proxy
from angarium.config.loader import parse

SERVER = '[server]\nhostname = "mx.example.com"\n[[source]]\nname = "ip1"\n'


def test_a_proxy_is_a_url_and_its_password_stands_elsewhere() -> None:
    text = 'proxy = "socks5://joe@192.0.2.1:9050"\npassword_file = "secret"\n'
    (source,) = parse(SERVER + text, Path("/etc/angarium/angarium.toml")).source
    assert source.password_file == "/etc/angarium/secret"
    assert source.proxy is not None
    assert parse_proxy(source.proxy) == Proxy(user="joe", host="192.0.2.1", port=9050)
    assert parse_proxy("socks5://[2001:db8::1]").port == 1080


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('proxy = "http://a.example:1"', "proxy: 'http://a.example:1' is not socks5://host:port"),
        ('proxy = "socks5://a.example:1/x"', "is not socks5://host:port"),
        ('proxy = "socks5://a.example:x"', "the port must be a number"),
        ('proxy = "socks5://u:p@a.example"', "a password does not belong in the file"),
        ('proxy = "socks5://u@a.example"', "proxy: names a user; give password_file"),
        ('proxy = "socks5://a.example"\npassword_env = "P"', "password_env: is for a user of pro"),
        ('password_file = "p"', "password_file: is for a user of proxy"),
        ('proxy = "socks5://a.example"\naddress = "192.0.2.1"', "address: does nothing beside pr"),
        (
            'proxy = "socks5://u@a.example"\npassword_env = "P"\npassword_file = "p"',
            "password_env: password_file is given as well",
        ),
    ],
)
def test_what_cannot_be_is_named(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(SERVER + text + "\n", Path("/etc/angarium.toml"))
    assert problem in str(raised.value)
