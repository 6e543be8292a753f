"""A person's data of the running product, of all kinds: exported, erased, and then nowhere in the data directory."""

import gzip
import io
import json
import os
import random
import signal
import smtplib
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api_client import ApiClient
from tests.e2e.campaign_server import CampaignServer
from tests.e2e.product import TRUSTED, Product
from tests.e2e.recording_sink import RecordingSink
from tests.e2e.test_feedback import FORGED
from tests.service.running_server import TOP, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ANN = "Ann.Smith@example.net"
BOB = "bob@example.net"
NEEDLES = (b"ann.smith@example.net", b"ann.smith%40example.net", b"ann smith")
MORE = """
[feedback]
feedback_addresses = ["fbl@example.com"]
"""
INBOUND = """
[[listener]]
kind = "inbound"
address = "127.0.0.1:0"
"""
BOUNCE = FORGED % b"forged"
BOUNCE = BOUNCE.replace(b"victim@oak.example", ANN.encode()).replace(b"example.org", b"example.com")


def refuse(_client: str, line: bytes) -> bytes | None:
    """Whom nothing reaches yet: it waits in the queue. Ann's own host names her when it refuses her."""
    if line.lower().startswith(b"rcpt to:<ann.smith+later"):
        return b"451 4.2.0 later"
    return None


def holding(folder: Path) -> dict[str, set[bytes]]:
    """Return which files of the data directory have her, and what of her."""
    found: dict[str, set[bytes]] = {}
    for file in sorted(folder.rglob("*")):
        if not file.is_file():
            continue
        octets = file.read_bytes()
        if file.suffix == ".gz":
            octets = gzip.decompress(octets)
        has = {each for each in NEEDLES if each in octets.lower()}
        if has:
            found[str(file.relative_to(folder))] = has
    return found


class Server(CampaignServer):
    """One that takes mail that came back, too."""

    def _start(self) -> Product:
        listeners = TRUSTED + INBOUND
        return Product(self._folder, sink=self.sink.port, more=self._more, listeners=listeners)


class World:
    """A server with something of Ann in each store."""

    def __init__(self, folder: Path, sink: RecordingSink) -> None:
        self.folder = folder
        self.sink = sink
        self.server = Server(folder, sink, batch_rows=10, more=MORE)

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    def command(self, *words: str, code: int | None = 0) -> Any:
        return json.loads(self.server.product.postmaster(*words, "--json", code=code) or "null")

    def counted(self) -> dict[str, int]:
        """What was counted; not what is cancelled, which an erasure does."""
        (row,) = self.command("stats", "--by", "day")["rows"]
        return {name: row[name] for name in ("accepted", "sent", "delivered", "bounced")}

    def fill(self) -> None:
        product = self.server.product
        product.postmaster(
            *("webhook", "add", "http://127.0.0.1:9/hook", "--event", "email.*", "--tenant"),
            "default",
        )
        made = self.server.create(
            f"email,name\n{ANN},Ann Smith\n{BOB},Bob\nnone,Ann Smith {ANN}\n", name="July"
        )
        self.server.completed(made["transactionId"])
        order = {
            "from": "shop@shop.example",
            "to": [f"Ann Smith <{ANN}>"],
            "subject": "Dear Ann Smith",
            "bodyText": f"You are {ANN}",
            "metadata": {"who": f"Ann Smith {ANN}"},
        }
        sent = self.server.api.ask("POST", "/v1/send", order)
        assert sent.status == 200, sent.body
        self.waiting(ANN)
        product.postmaster("suppress", "add", ANN, "--scope", "tenant:default/stream:old")
        with smtplib.SMTP("127.0.0.1", product.smtp[1], timeout=20) as client:
            client.sendmail("", ["fbl@example.com"], BOUNCE)
        product.wait_for_disposition(20, event="report_unmatched")
        # One that was rotated, and one that was compressed
        log = self.data_dir / "mail.log"
        (self.data_dir / "mail.log-2026-01-01.gz").write_bytes(gzip.compress(log.read_bytes()))
        (self.data_dir / "mail.log.1").write_bytes(log.read_bytes())

    def waiting(self, address: str) -> None:
        """Mail that is held in the queue."""
        product = self.server.product
        product.postmaster("queue", "hold", "--rule", "--domain", "example.net")
        with smtplib.SMTP("127.0.0.1", product.smtp[0], timeout=20) as client:
            text = f"From: <a@shop.example>\r\nTo: <{address}>\r\nSubject: x\r\n\r\nx\r\n"
            client.sendmail("a@shop.example", [address], text)
        wait_until(lambda: bool(product.queued()), 20)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with RecordingSink(says=refuse) as sink:
        made = World(tmp_path, sink)
        try:
            made.fill()
            yield made
        finally:
            made.server.kill()


def test_all_of_a_person_is_exported_erased_and_then_nowhere(world: World) -> None:
    """PD1, PD2, PD3"""
    product = world.server.product
    assert holding(world.data_dir)
    out = world.folder / "ann.zip"
    manifest = world.command("export", "--address", ANN, "--out", str(out))
    found = {each["name"]: each["found"] for each in manifest["stores"]}
    empty = {name for name, count in found.items() if not count}
    assert empty <= {"accounts", "queue_records", "lake"}, found
    with zipfile.ZipFile(io.BytesIO(out.read_bytes())) as archive:
        names = archive.namelist()
        assert json.loads(archive.read("manifest.json"))["stores"] == manifest["stores"]
        assert any(each.endswith(".eml") for each in names)
        everything = b"".join(archive.read(each) for each in names)
    assert b"bob@example.net" not in everything.lower()
    assert b"Ann Smith" in everything
    looked = world.command("erase", "--address", ANN, "--dry-run")
    assert {each["name"]: each["found"] for each in looked["stores"]} == found
    before = world.counted()
    report = world.command("erase", "--address", ANN.lower(), "--reason", f"ticket of {ANN}")
    assert report["complete"], report
    assert {each["name"]: each["found"] for each in report["stores"]} == found
    assert not product.queued()
    again = world.command("erase", "--address", ANN)
    assert (again["complete"], again["found"]) == (True, 0)
    # Nobody else's is gone, and what was counted stays
    log = b"".join(
        each.read_bytes() for each in world.data_dir.glob("mail.log*") if ".gz" not in each.name
    )
    assert BOB.encode() in log
    assert world.counted() == before
    assert world.command("audit", "verify")["whole"]
    # She gets nothing any more, however she is written
    answer = world.server.api.ask(
        "POST",
        "/v1/send",
        {
            "from": "s@shop.example",
            "to": ["ANN.SMITH@Example.NET"],
            "subject": "x",
            "bodyText": "x",
        },
    )
    assert (answer.status, answer.json["error"]) == (422, "RECIPIENTS_SUPPRESSED")
    told = product.wait_for_disposition(20, event="person_erased")
    assert told["alias"] == report["alias"]
    product.server.process.send_signal(signal.SIGTERM)
    product.server.process.wait(60)
    # What she was sent just now is known by her address again
    world.command("erase", "--address", ANN, "--compact")
    assert holding(world.data_dir) == {}


def test_an_erasure_that_is_killed_anywhere_is_finished_by_the_next_one(world: World) -> None:
    """PD1"""
    random_ = random.Random(int(os.environ.get("ANGARIUM_SEED", "7")))
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    words = [sys.executable, "-m", "angarium", "-c", str(world.server.product.config)]
    began = time.monotonic()
    world.command("erase", "--address", "nobody@example.net")
    whole = time.monotonic() - began
    for _ in range(4):
        started = subprocess.Popen(
            [*words, "erase", "--address", ANN],
            env=environment,
            cwd=world.folder,
            stdout=subprocess.DEVNULL,
        )
        time.sleep(random_.uniform(0.3, 1.2) * whole)
        started.kill()
        started.wait(20)
    report = world.command("erase", "--address", ANN)
    assert report["complete"], report
    assert world.command("erase", "--address", ANN, "--dry-run")["found"] == 0
    assert world.command("audit", "verify")["whole"]


def test_a_tenants_program_exports_and_erases_its_own_alone(world: World) -> None:
    """PRS1"""
    api, product = world.server.api, world.server.product
    product.postmaster("tenant", "create", "other")
    made = json.loads(product.postmaster("key", "create", "--tenant", "other", "--json"))
    other = ApiClient(product.http, made["key"])
    path, asked = "/v1/persons/erase", {"address": ANN}
    refused = other.ask("POST", path, {**asked, "tenant": "default"})
    assert (refused.status, other.ask("POST", path, {**asked, "all": True}).status) == (403, 403)
    wrong = api.ask("POST", path, {"address": "ann"})
    assert (wrong.status, wrong.json["details"]["field"]) == (400, "address")
    nothing = other.right("POST", path, asked)
    assert (nothing["found"], nothing["complete"]) == (0, True)
    exported = api.ask("POST", "/v1/persons/export", asked)
    assert exported.status == 200, exported.body
    with zipfile.ZipFile(io.BytesIO(exported.body)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert {"events", "history", "campaign_rows"} <= {
        each["name"] for each in manifest["stores"] if each["found"]
    }
    looked = api.right("POST", path, {**asked, "dryRun": True})
    done = api.right("POST", path, {**asked, "reason": "she asked"})
    assert (done["tenant"], done["found"]) == ("default", looked["found"])
    left = {each["name"] for each in done["stores"] if each["left"]}
    assert left <= {"lake"}, done
    again = api.right("POST", path, {**asked, "dryRun": True})
    assert {each["name"] for each in again["stores"] if each["found"]} <= {"lake"}
    entries = [
        json.loads(each) for each in product.postmaster("audit", "list", "--json").splitlines()
    ]
    erased = next(
        each
        for each in entries
        if each["action"] == "person.erased" and each["tenant"] == "default"
    )
    assert erased["actor"].startswith("key ")
