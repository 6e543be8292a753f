"""A server in child processes for each test that asks for one."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.running_server import CONFIG, Server, StartServer


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    servers: list[Server] = []

    def start(
        *arguments: str,
        server: str = "",
        more: str = "",
        smart_host: int = 9,
        drain_s: float = 5.0,
        retry_s: float = 0.2,
        environment: dict[str, str] | None = None,
        where: Path = tmp_path,
        python: str = sys.executable,
        module: str = "angarium",
    ) -> Server:
        config = where / "angarium.toml"
        config.write_text(
            CONFIG.format(
                server=server,
                more=more,
                smart_host=smart_host,
                drain_s=drain_s,
                retry_s=retry_s,
            )
        )
        servers.append(
            Server(config, *arguments, environment=environment or {}, python=python, module=module)
        )
        return servers[-1]

    yield start
    for each in servers:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait(10)
        each.close()
