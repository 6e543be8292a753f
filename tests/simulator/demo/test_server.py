"""Mirrors angarium/simulator/demo/server.py."""

import contextlib
import socket
from pathlib import Path

import dns.asyncresolver
import pytest

from angarium.config.loader import load
from angarium.simulator.demo.configuration import Endpoints, configuration
from angarium.simulator.demo.server import DemoServer, PortTakenError, ServerError, choose_endpoints
from angarium.simulator.demo.world import demo_scenario, make_keys
from angarium.simulator.internet import Internet


def test_the_configuration_is_one_that_the_server_reads(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys")
    file = tmp_path / "angarium.toml"
    text = configuration(
        tmp_path / 'da"ta',
        Endpoints(submission=2525, http=8025, inbound=2527),
        nameserver="127.0.0.1:5353",
        smtp_port=2526,
        keys=keys,
    )
    file.write_text(text)
    config = load(file)
    assert config.server.data_dir == str(tmp_path / 'da"ta')
    addresses = [each.address for each in config.listener]
    assert addresses == ["127.0.0.1:2525", "127.0.0.1:2527", "127.0.0.1:8025"]
    assert config.dns.nameservers == ("127.0.0.1:5353",)
    assert (config.delivery.port, config.delivery.allow_private) == (2526, True)
    assert len(config.dkim.keys) == 4
    assert all(Path(key.file).stat().st_mode & 0o777 == 0o600 for key in config.dkim.keys)


async def test_the_keys_are_in_the_small_internets_dns(tmp_path: Path) -> None:
    keys = [key for key, _ in make_keys(tmp_path / "keys")]
    async with Internet(demo_scenario(keys)) as net:
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], net.dns.port
        for key in keys:
            answer = await resolver.resolve(key.record_name, "TXT")
            assert b"".join(answer[0].strings).startswith(f"v=DKIM1; k={key.type}; p=".encode())


async def test_a_server_that_cannot_start_is_reported_with_its_words(tmp_path: Path) -> None:
    config = tmp_path / "angarium.toml"
    config.write_text("[server]\nhostname = 3\n")
    server = DemoServer(config, tmp_path / "server.log", Endpoints(submission=1, http=1))
    with pytest.raises(ServerError, match="exit code 78"):
        await server.__aenter__()
    assert "hostname" in server.last_words()


async def test_ports_that_were_taken_meanwhile_are_told_from_other_failures(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = tmp_path / "angarium.toml"
        endpoints = Endpoints(submission=port, http=port)
        text = configuration(
            tmp_path / "data", endpoints, nameserver="127.0.0.1:1", smtp_port=1, keys=()
        )
        config.write_text(text.replace(f"127.0.0.1:{port}", "127.0.0.1:0", 1))
        with pytest.raises(PortTakenError):
            await DemoServer(config, tmp_path / "server.log", endpoints).__aenter__()


def test_memorable_ports_are_used_when_they_are_free() -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # someone else has it: as good
            taken.bind(("127.0.0.1", 2525))
            taken.listen()
        assert choose_endpoints(memorable=True).submission not in (0, 2525)
    assert choose_endpoints(memorable=False).http > 1023
