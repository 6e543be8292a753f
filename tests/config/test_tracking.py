"""``[tracking]``: networks of machines and proxies."""

from pathlib import Path

import pytest

from angarium.config.error import ConfigError
from angarium.config.loader import load

BASE = """
[server]
hostname = "mx1.example.com"
data_dir = "data"

[[listener]]
kind = "http"
address = "127.0.0.1:0"

[tracking]
host = "t.example.com"
"""


@pytest.mark.parametrize("key", ["machine_networks", "proxies"])
def test_what_is_no_network_is_named_by_its_place(tmp_path: Path, key: str) -> None:
    file = tmp_path / "angarium.toml"
    file.write_text(f'{BASE}{key} = ["192.0.2.0/24", "192.0.2.1/24"]\n')
    with pytest.raises(ConfigError) as raised:
        load(file)
    assert f"[tracking] #2 {key}" in str(raised.value)
    assert "192.0.2.1/24" in str(raised.value)


def test_networks_of_the_operator_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "angarium.toml"
    file.write_text(f'{BASE}machine_networks = ["192.0.2.0/24"]\nproxies = ["::1/128"]\n')
    tracking = load(file).tracking
    assert (tracking.machine_networks, tracking.proxies) == (("192.0.2.0/24",), ("::1/128",))


def test_each_tenant_may_have_a_host_of_its_own_and_there_need_be_no_other(tmp_path: Path) -> None:
    file = tmp_path / "angarium.toml"
    file.write_text(BASE.replace('host = "t.example.com"', "opens = true"))
    assert load(file).tracking.opens
    file.write_text(file.read_text().replace("[[listener]]", '[[listener]]\nserves = ["api"]'))
    with pytest.raises(ConfigError) as raised:
        load(file)
    assert "no listener answers what is fetched" in str(raised.value)
    assert "[tracking]" in str(raised.value)
    file.write_text(
        file.read_text().replace("opens = true", "") + '[[stream]]\nname = "bulk"\nclicks = true\n'
    )
    with pytest.raises(ConfigError, match=r"\[stream\] #1 clicks: no listener"):
        load(file)
