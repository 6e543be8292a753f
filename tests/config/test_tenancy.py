"""Mirrors what angarium/config/crosscheck.py says of [tenancy]."""

from pathlib import Path

import pytest

from angarium.config.error import ConfigError
from angarium.config.loader import parse

HEAD = '[server]\nhostname = "mx.example.com"\n[tenancy]\n'


@pytest.mark.parametrize(
    "origin", ["", "https://mail.example.com", "https://a.example:8443", "http://localhost:8025"]
)
def test_where_people_log_in_is_an_origin(origin: str) -> None:
    config = parse(f'{HEAD}origin = "{origin}"\n', Path("/etc/angarium.toml"))
    assert config.tenancy.origin == origin


@pytest.mark.parametrize(
    "origin",
    [
        *("mail.example.com", "http://mail.example.com", "https://mail.example.com/"),
        *("https://Mail.example.com", "https://", "https://a.example:0", "https://a b"),
    ],
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError, match="must be https://host"):
        parse(f'{HEAD}origin = "{origin}"\n', Path("/etc/angarium.toml"))
