"""Scenarios from files, and what makes one impossible."""

from pathlib import Path

import msgspec
import pytest

from angarium.simulator.example import example_scenario
from angarium.simulator.internet import Internet
from angarium.simulator.scenario import (
    Host,
    Scenario,
    ScenarioError,
    SimulatedProvider,
    load_scenario,
)

TOML = """
smtp_port = 0

[[provider]]
name = "oak"
domains = ["oak.example"]
style = "gmail"
behaviour = { greylist_s = 2, throttle = { messages_per_s = 5 } }

[[provider.mailboxes]]
local = "gone*"
behaviour = { refuse = "unknown" }

[[name]]
name = "nomail.example"
null_mx = true
"""


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    toml, json = tmp_path / "net.toml", tmp_path / "net.json"
    toml.write_text(TOML)
    scenario = load_scenario(toml)
    assert scenario.provider[0].behaviour.greylist_s == 2
    assert scenario.provider[0].mailboxes[0].behaviour.refuse == "unknown"
    json.write_bytes(msgspec.json.encode(scenario))
    assert load_scenario(json) == scenario


def test_the_example_survives_a_file(tmp_path: Path) -> None:
    file = tmp_path / "example.json"
    file.write_bytes(msgspec.json.encode(example_scenario()))
    assert load_scenario(file) == example_scenario()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[provider]]\nname = "oak"\ndomains = ["a.example"]\ngreylist = 3\n', "greylist"),
        ("[[provider]]\nname = 3\n", "Expected `str`"),
        ("= 3", "Invalid"),
    ],
)
def test_a_scenario_with_errors_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "net.toml"
    file.write_text(text)
    with pytest.raises(ScenarioError, match=complaint):
        load_scenario(file)


async def enter(*providers: SimulatedProvider) -> None:
    async with Internet(Scenario(provider=providers)):
        pass


async def test_names_and_addresses_belong_to_one_provider() -> None:
    oak = SimulatedProvider(name="oak", domains=("oak.example",), tls="none")
    with pytest.raises(ScenarioError, match="same name"):
        await enter(oak, oak)
    shared = (Host(name="mx.example", addresses=("127.1.2.3",)),)
    one, two = (msgspec.structs.replace(oak, name=name, hosts=shared) for name in ("one", "two"))
    with pytest.raises(ScenarioError, match="belongs to another host"):
        await enter(one, two)


async def test_nothing_ever_listens_beyond_loopback() -> None:
    hosts = (Host(name="mx.example", addresses=("192.0.2.1",)),)
    with pytest.raises(ScenarioError, match="not on loopback"):
        await enter(SimulatedProvider(name="oak", domains=("oak.example",), hosts=hosts))
