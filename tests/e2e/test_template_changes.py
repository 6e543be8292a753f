"""Mail is made of what was published of a template, whatever happens to the server; what was answered stays so."""

import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from angarium.tenancy.templates.files import FOLDER, INDEX
from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import TOP, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]
PATH = "/v1/templates"
VERSION = re.compile(rb"version (\d+) for (\w+)")


class House:
    """A server with a template, each of whose versions says which it is."""

    def __init__(self, folder: Path, sink: RecordingSink, *, single: bool) -> None:
        self.folder = folder
        self.sink = sink
        self._single = single
        self.product = self._start()
        self.product.postmaster("domain", "add", "shop.example", "--assume-verified")
        self._key = json.loads(self.product.postmaster("key", "create", "--json"))["key"]
        self.newest = 1
        self.make("news")

    def _start(self) -> Product:
        return Product(self.folder, sink=self.sink.port, single=self._single)

    @property
    def api(self) -> ApiClient:
        return ApiClient(self.product.http, self._key)

    def make(self, alias: str) -> None:
        self.api.right("POST", PATH, {"alias": alias, "version": self.version(1, publish=True)})

    def version(self, number: int, *, publish: bool) -> dict[str, Any]:
        parts = {"subject": "News", "text": f"version {number} for {{{{ name }}}}\n"}
        return {"parts": parts, "publish": publish}

    def draft(self) -> int:
        """Return the number of a new version that nobody uses yet."""
        self.newest += 1
        self.api.right("POST", f"{PATH}/news/versions", self.version(self.newest, publish=False))
        return self.newest

    def publish(self, number: int, by: str) -> None:
        if by == "command":
            self.product.postmaster("template", "publish", "news", str(number))
        else:
            self.api.right("POST", f"{PATH}/news/versions/{number}/publish", {})

    def publishing(self, number: int) -> "subprocess.Popen[bytes]":
        """Return the command while it runs."""
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "angarium", "-c", str(self.product.config)),
                *("template", "publish", "news", str(number)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(TOP)},
        )

    def suffer(self, event: str) -> None:
        if event == "SIGHUP":
            before = len(self.product.server.lines)
            self.product.server.signal(signal.SIGHUP)
            wait_until(lambda: self._is_reloaded(before))
            return
        if event == "SIGTERM":
            assert self.product.server.end() == 0
            self.product.server.close()
        elif event == "SIGKILL":
            self.product.kill()
        self.product = self._start()

    def _is_reloaded(self, before: int) -> bool:
        lines = self.product.server.lines[before:]
        return any(each.get("event") == "configuration_reloaded" for each in lines)

    def send(self, name: str, template: str = "news", **headers: str) -> Any:
        body = {
            "from": "post@shop.example",
            "to": f"{name}@sink.example",
            "templateId": template,
            "templateData": {"name": name},
        }
        reply = self.api.ask("POST", "/v1/send", body, headers=headers)
        assert reply.status in (200, 202), (reply.status, reply.body)
        return reply.json

    def got(self, name: str) -> list[int]:
        """Return of which versions the mails are that somebody got."""
        found = [VERSION.search(each.content) for each in list(self.sink.taken)]
        return [int(each[1]) for each in found if each is not None and each[2] == name.encode()]

    def version_now(self, name: str) -> int:
        self.send(name)
        wait_until(lambda: bool(self.got(name)))
        (version,) = self.got(name)
        return version


@pytest.fixture(scope="module", params=[True, False], ids=["single", "processes"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    with RecordingSink() as sink:
        started = House(tmp_path_factory.mktemp("house"), sink, single=request.param)
        try:
            yield started
            started.product.assert_clean()
        finally:
            started.product.kill()


@pytest.mark.parametrize(
    ("by", "event"),
    [
        *(("api", "nothing"), ("command", "nothing"), ("api", "SIGHUP"), ("command", "SIGHUP")),
        *(("command", "SIGTERM"), ("api", "SIGKILL"), ("command", "SIGKILL")),
    ],
)
def test_what_was_published_is_used_whatever_comes_right_behind_it(
    house: House, by: str, event: str
) -> None:
    number = house.draft()
    house.publish(number, by)
    if event != "nothing":
        house.suffer(event)
    assert house.version_now(f"{event}{by}") == number


def test_who_publishes_may_be_killed_at_any_moment(house: House) -> None:
    chooses = random.Random(1)
    for attempt in range(4):
        before, number = house.newest, house.draft()
        house.publish(before, "api")
        command = house.publishing(number)
        try:
            command.wait(chooses.uniform(0.3, 1.2))
        except subprocess.TimeoutExpired:
            command.kill()
            command.wait(10)
        state = house.api.right("GET", f"{PATH}/news")["publishedVersion"]
        assert state in (before, number)
        # The server makes good what a killed command has left undone, within a second
        house.suffer("SIGKILL" if attempt == 3 else "SIGHUP")
        wait_until(lambda number=number: version_of(house, number) == published(house))  # type: ignore[misc]
    house.publish(house.newest, "command")
    folder = house.folder / "data" / FOLDER
    names = {each.name for each in folder.iterdir()} - {INDEX}
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in names), names
    assert house.version_now("afterwards") == house.newest


def published(house: House) -> int:
    return int(house.api.right("GET", f"{PATH}/news")["publishedVersion"])


def version_of(house: House, number: int) -> int:
    return house.version_now(f"k{number}x{len(house.sink.taken)}")


@pytest.mark.parametrize("change", ["publish", "delete"])
def test_a_retry_after_the_template_was_changed_gets_the_first_answer(
    house: House, change: str
) -> None:
    name = f"again{change}"
    house.make(name)
    key = {"Idempotency-Key": f"key-{name}"}
    first = house.send(name, name, **key)
    wait_until(lambda: bool(house.got(name)))
    if change == "publish":
        version = house.version(2, publish=True)
        house.api.right("POST", f"{PATH}/{name}/versions", version)
    else:
        house.api.right("DELETE", f"{PATH}/{name}")
    assert house.send(name, name, **key) == first
    house.suffer("SIGKILL")
    assert house.send(name, name, **key) == first
    # What is accepted behind it has left, and nothing of the retries
    house.version_now(f"{name}others")
    assert house.got(name) == [1]
