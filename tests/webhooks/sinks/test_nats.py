"""Mirrors angarium/webhooks/sinks/nats.py, with a real server where one is installed."""

import contextlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nats
import pytest

from tests.authority import Authority
from tests.free_port import free_port
from tests.webhooks.sinks.world import FakeDns, endpoints, letter, until

SERVER = shutil.which("nats-server") or (
    "/usr/sbin/nats-server" if Path("/usr/sbin/nats-server").exists() else None
)
pytestmark = pytest.mark.skipif(SERVER is None, reason="nats-server is not installed")
CONFIG = """
listen: 127.0.0.1:{port}
jetstream {{ store_dir: "{folder}/js" }}
max_payload: 2000
authorization {{
  users = [
    {{ user: "app", password: "p:w", permissions: {{ publish: ["mail.>", "$JS.>"], subscribe: ">" }} }}
  ]
}}
{tls}
"""
TLS = 'tls {{ cert_file: "{certificate}", key_file: "{key}" }}'


@contextlib.contextmanager
def serving(folder: Path, tls: str = "") -> Iterator[int]:
    assert SERVER is not None
    port, config = free_port(), folder / "nats.conf"
    config.write_text(CONFIG.format(port=port, folder=folder, tls=tls))
    command = [SERVER, "-c", str(config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as peer:
        try:
            yield port
        finally:
            peer.kill()


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


async def test_events_are_published_with_their_headers_and_a_stream_has_each_once(
    tmp_path: Path,
) -> None:
    with serving(tmp_path) as port:
        await until(lambda: listens(port))
        client = await nats.connect(f"nats://127.0.0.1:{port}", user="app", password="p:w")
        heard: list[Any] = []

        async def hear(message: Any) -> None:
            heard.append(message)

        await client.subscribe("mail.events", cb=hear)
        await client.flush()
        sinks = endpoints()
        url = f"nats://app:p%3Aw@127.0.0.1:{port}/mail.events"
        for number in (1, 2):
            answered = await sinks.post(letter(url, number))
            assert (answered.status, answered.text) == (200, "taken by the server")
        await until(lambda: len(heard) == 2)
        assert heard[0].data == letter(url, 1).body
        assert heard[1].headers["webhook-id"] == "event-2"
        assert heard[1].headers["webhook-signature"] == "v1,sig"
        # a stream
        stream = f"nats://app:p%3Aw@127.0.0.1:{port}/mail.kept?jetstream=true"
        none = await sinks.post(letter(stream))
        assert (none.status, none.is_success) == (0, False)
        await client.jetstream().add_stream(name="KEPT", subjects=["mail.kept"])
        for _ in range(2):
            answered = await sinks.post(letter(stream))
            assert answered.text == "stream KEPT, sequence 1"
        info = await client.jetstream().stream_info("KEPT")
        assert info.state.messages == 1
        # what may not be, and what goes on after it
        refused = await sinks.post(letter(url.replace("mail.events", "other")))
        assert refused.status == 0
        assert "permissions violation" in refused.text.lower()
        large = await sinks.post(letter(url, body=b"x" * 3000))
        assert (large.status, "payload" in large.text.lower()) == (0, True)
        assert (await sinks.post(letter(url, 3))).is_success
        wrong = await sinks.post(letter(url.replace("p%3Aw", "wrong")))
        assert (wrong.status, "uthorization" in wrong.text) == (0, True), wrong.text
        await client.close()
        await sinks.close()


async def test_a_server_that_was_away_is_found_again(tmp_path: Path) -> None:
    sinks = endpoints()
    with serving(tmp_path) as port:
        await until(lambda: listens(port))
        url = f"nats://app:p%3Aw@127.0.0.1:{port}/mail.events"
        assert (await sinks.post(letter(url))).is_success
    assert (await sinks.post(letter(url))).status == 0
    command = [str(SERVER), "-c", str(tmp_path / "nats.conf")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as peer:
        try:
            await until(lambda: listens(port))
            assert (await sinks.post(letter(url))).is_success
        finally:
            peer.kill()
    await sinks.close()


async def test_with_tls_it_is_the_host_that_the_url_names(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.server("nats.example.com")
    trusted = ssl.create_default_context(cafile=authority.path)
    with serving(tmp_path, TLS.format(certificate=certificate, key=key)) as port:
        await until(lambda: listens(port))
        for host, is_right in (("nats.example.com", True), ("other.example.com", False)):
            sinks = endpoints(dns=FakeDns("127.0.0.1"), context=trusted)
            url = f"nats+tls://app:p%3Aw@{host}:{port}/mail.events"
            answered = await sinks.post(letter(url))
            assert answered.is_success == is_right, answered.text
            assert is_right or "ertificate" in answered.text
            await sinks.close()


async def test_nobody_is_asked_who_is_not_public_p1() -> None:
    sinks = endpoints(dns=FakeDns("10.0.0.5"))
    answered = await sinks.post(letter("nats+tls://nats.example.com/mail"))
    assert "10.0.0.5, which is not public" in answered.text
    await sinks.close()
