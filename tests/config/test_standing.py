"""Mirrors angarium/config/standing_check.py and blocklists.py: what an operator writes of them."""

from pathlib import Path

import pytest

from angarium.config.blocklists import all_zones
from angarium.config.error import ConfigError
from angarium.config.loader import load

SERVER = '[server]\nhostname = "mx1.example.com"\n'


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "angarium.toml"
    path.write_text(SERVER + text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    return [line.partition(": ")[2] for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("[breaker]\ncomplaints_warn_percent = 0.5", "complaints_warn_percent", "lower it"),
        ("[breaker]\nbounces_percent = 4.0", "bounces_warn_percent", "above bounces_percent (4)"),
        ("[breaker]\nbounces_percent = 101", "bounces_percent", "must be"),
        ('[blocklists]\naddresses = ["a.example"]', "addresses", "'a.example' is no IP address"),
        ('[blocklists]\ndomains = ["a b"]', "domains", "write one like example.com"),
        ('[blocklists]\nwithout = ["zen.spamhaus.com"]', "without", "there are: zen.spamhaus.org"),
        ('[[blocklists.zone]]\nname = "no zone"', "name", "write one like zen.spamhaus.org"),
        (
            '[[blocklists.zone]]\nname = "a.example"\n[[blocklists.zone]]\nname = "a.example"',
            "name",
            "used twice",
        ),
        ('[[blocklists.zone]]\nname = "a.example"\nmeanings = ["spam"]', "meanings", "no meaning"),
        (
            '[[blocklists.zone]]\nname = "a.example"\nmeanings = ["+3: spam"]',
            "meanings",
            '"+8: phishing"',
        ),
        (
            '[[blocklists.zone]]\nname = "a.example"\nrefusals = ["192.0.2.1"]',
            "refusals",
            "write one like 127.0.0.1",
        ),
    ],
)
def test_what_cannot_be_is_told_with_its_key(
    tmp_path: Path, text: str, key: str, words: str
) -> None:
    (line,) = problems(tmp_path, text)
    assert key in line.partition(": ")[0]
    assert words in line


def test_a_shipped_zone_keeps_what_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "angarium.toml"
    path.write_text(SERVER + '[[blocklists.zone]]\nname = "zen.spamhaus.org"\nweight = 7\n')
    (zen, *others) = all_zones(load(path).blocklists)
    assert (zen.name, zen.weight, zen.ipv6) == ("zen.spamhaus.org", 7, True)
    assert zen.meanings[0] == "127.0.0.2: sends spam (SBL)"
    assert len(others) == 8
