"""A person's data of the running product, of all kinds: exported, erased, and then nowhere in the data directory."""

import contextlib
import gzip
import io
import json
import os
import random
import re
import signal
import smtplib
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from angarium.lake.catalogue import Catalogue
from angarium.lake.compacting import Compaction
from angarium.lake.engine import Engine
from angarium.lake.folder import Folder
from angarium.lake.model import DAY_HOURS, HOUR_MS
from angarium.queue.wall_clock import wall_clock
from tests.e2e.api_client import ApiClient
from tests.e2e.campaign_server import CampaignServer
from tests.e2e.command_here import command_here
from tests.e2e.person_search import holding, parquet_texts
from tests.e2e.product import TRUSTED, Product
from tests.e2e.recording_sink import RecordingSink, Taken
from tests.e2e.test_feedback import FORGED
from tests.service.running_server import TOP, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ANN = "Ann.Smith@example.net"
# Whose program nobody else has
AGENT = b"Zettelkasten/7"
BOB = "bob@example.net"
NEEDLES = (b"ann.smith@example.net", b"ann.smith%40example.net", b"ann smith", AGENT.lower())
MORE = """
[feedback]
feedback_addresses = ["fbl@example.com"]

[tracking]
host = "t.example.com"
insecure = true
opens = true
clicks = true
judged_after_s = 0.5

[lake]
enabled = true
flush_s = 0.2
"""
INBOUND = """
[[listener]]
kind = "inbound"
address = "127.0.0.1:0"
"""
BOUNCE = FORGED % b"forged"
BOUNCE = BOUNCE.replace(b"victim@oak.example", ANN.encode()).replace(b"example.org", b"example.com")
# What anybody may count in it, but for what an erasure itself does
LAKE_COUNTS = """
SELECT tenant, event, stream, campaign, provider, recipient_domain, code, class, verdict, fields ->> '$.dkim' AS dkim,
    count(*), sum(recipients), count(DISTINCT (message_id, recipient_index)), count(DISTINCT lower(recipient))
FROM events
WHERE event IN ('accepted', 'relayed', 'deferred', 'opened', 'clicked', 'fetched', 'report_bounced', 'report_unmatched')
GROUP BY ALL ORDER BY ALL
"""


def refuse(_client: str, line: bytes) -> bytes | None:
    """Whom nothing reaches yet: it waits in the queue. Ann's own host names her when it refuses her."""
    if line.lower().startswith(b"rcpt to:<ann.smith+later"):
        return b"451 4.2.0 later"
    return None


def rcpts(taken: Sequence[Taken]) -> bytes:
    return b" ".join(b"".join(each.rcpts) for each in taken).lower()


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

    def command(self, *words: str) -> Any:
        code, text = command_here(self.server.product.config, *words, "--json")
        assert code == 0, (words, code, text)
        return json.loads(text or "null")

    def counted(self) -> list[dict[str, Any]]:
        """What was counted; not what is cancelled, which an erasure does."""
        names = (
            "key",
            "accepted",
            "sent",
            "delivered",
            "bounced",
            "opened",
            "opened_human",
            "clicked",
        )
        return [
            {name: row[name] for name in names}
            for by in ("day", "stream", "provider")
            for row in self.command("stats", "--by", by)["rows"]
        ]

    def asked(self, sql: str) -> list[Any]:
        """Rows of the lake, of all tenants."""
        return list(self.command("lake", "query", sql)["rows"])

    def compact(self, *, days: bool) -> None:
        """As the server would in two days."""
        folder, later = Folder(self.data_dir / "lake"), wall_clock() + 48 * HOUR_MS
        with (
            contextlib.closing(Catalogue(folder.path)) as catalogue,
            contextlib.closing(Engine(folder.unfinished())) as engine,
        ):
            work = Compaction(folder, catalogue, engine)
            # A day of one hour's file has it already
            for hour in () if days else work.due(later, 0):
                work.compact(hour, later)
            for day in work.due_days(later, 0) if days else ():
                work.compact_day(day, later)

    def lake_hours(self) -> set[int]:
        """Of how many hours each of the lake's files is; 0: of one that was not compacted."""
        with contextlib.closing(Catalogue(self.data_dir / "lake")) as catalogue:
            return {0 if each.is_part else each.hours for each in catalogue.files()}

    def all_is_in_the_lake(self) -> None:
        """Wait until all that the log has by now is."""
        with sqlite3.connect(self.data_dir / "lake/catalogue.db") as db:
            (before,) = db.execute("SELECT max(position) FROM era").fetchone()
        note = f"note-{before}@example.com"
        self.server.product.postmaster("suppress", "add", note)
        wait_until(
            lambda: self.asked(f"SELECT 1 FROM events WHERE recipient = '{note}'") != [],
            60,
        )
        self.server.product.postmaster("suppress", "remove", note)

    def read(self, sender: bytes) -> bytes:
        """Have Ann open the mail that she got from a sender, and follow its link; returns what it is known by."""

        def got() -> list[bytes]:
            return [
                each.content
                for each in list(self.sink.taken)
                if sender in each.mail
                and ANN.encode() in b"".join(each.rcpts)
                and b"text/html" in each.content
            ]

        wait_until(lambda: bool(got()), 30)
        content = got()[0]
        letter = message_from_bytes(content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        html = letter.get_body(("html",))
        assert html is not None
        browser = {"Host": "t.example.com", "User-Agent": AGENT.decode()}
        paths = re.findall(r'"http://t\.example\.com(/[^"]*)"', str(html.get_content()))
        assert len(paths) > 1
        for path in paths:
            ApiClient(self.server.product.http).ask("GET", path, headers=browser)
        reference = re.search(rb"^X-Angarium-Reference: (\S+)\r$", content, re.MULTILINE)
        assert reference is not None
        return reference[1]

    def come_back(self, octets: bytes) -> None:
        with smtplib.SMTP("127.0.0.1", self.server.product.smtp[1], timeout=20) as client:
            client.sendmail("", ["fbl@example.com"], octets)

    def another_tenant(self) -> ApiClient:
        """One who has mail to her, too."""
        product = self.server.product
        product.postmaster("tenant", "create", "acme")
        product.postmaster("domain", "add", "acme.example", "--tenant", "acme", "--assume-verified")
        made = json.loads(product.postmaster("key", "create", "--tenant", "acme", "--json"))
        return ApiClient(product.http, made["key"])

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
            "bodyHtml": f'<p>You are {ANN}: <a href="https://shop.example/?who={ANN}">yes</a></p>',
            "metadata": {"who": f"Ann Smith {ANN}"},
        }
        self.server.api.right("POST", "/v1/send", order)
        acme = self.another_tenant()
        acme.right("POST", "/v1/send", {**order, "from": "news@acme.example"})
        reference = self.read(b"@shop.example")
        self.read(b"@acme.example")
        self.come_back(BOUNCE.replace(b"forged", reference).replace(b"5.1.1", b"5.2.2"))
        for name in ("opened", "clicked", "report_bounced"):
            product.wait_for_disposition(30, event=name, tenant="default")
        product.wait_for_disposition(30, event="clicked", tenant="acme")
        self.waiting(ANN)
        product.postmaster("suppress", "add", ANN, "--scope", "tenant:default/stream:old")
        self.come_back(BOUNCE)
        product.wait_for_disposition(20, event="report_unmatched")
        # One that was rotated, and one that was compressed
        log = self.data_dir / "mail.log"
        (self.data_dir / "mail.log-2026-01-01.gz").write_bytes(gzip.compress(log.read_bytes()))
        (self.data_dir / "mail.log.1").write_bytes(log.read_bytes())

    def waiting(self, address: str) -> None:
        """Mail that is held in the queue."""
        product = self.server.product
        (rule,) = self.command("queue", "hold", "--rule", "--domain", "example.net")["rules"]
        self.hold = str(rule["id"])
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
    assert holding(world.data_dir, NEEDLES)
    world.all_is_in_the_lake()
    world.compact(days=True)
    world.all_is_in_the_lake()
    assert world.lake_hours() == {0, DAY_HOURS}
    out = world.folder / "ann.zip"
    manifest = world.command("export", "--address", ANN, "--out", str(out))
    found = {each["name"]: each["found"] for each in manifest["stores"]}
    empty = {name for name, count in found.items() if not count}
    assert empty <= {"accounts", "queue_records"}, found
    with zipfile.ZipFile(io.BytesIO(out.read_bytes())) as archive:
        names = archive.namelist()
        assert json.loads(archive.read("manifest.json"))["stores"] == manifest["stores"]
        assert any(each.endswith(".eml") for each in names)
        everything = b"".join(archive.read(each) for each in names)
        rows = json.loads(archive.read("lake.json"))
    assert b"bob@example.net" not in everything.lower()
    assert b"Ann Smith" in everything
    assert {each["event"] for each in rows} >= {
        *("accepted", "relayed", "opened", "clicked", "fetched", "report_bounced"),
    }
    looked = world.command("erase", "--address", ANN, "--dry-run")
    assert {each["name"]: each["found"] for each in looked["stores"]} == found
    before, lake = world.counted(), world.asked(LAKE_COUNTS)
    report = world.command("erase", "--address", ANN.lower(), "--reason", f"ticket of {ANN}")
    assert report["complete"], report
    assert {each["name"]: each["found"] for each in report["stores"]} == found
    assert not product.queued()
    # Nowhere, with the server running: not in logs of ours either
    assert holding(world.data_dir, NEEDLES, pages=False) == {}
    assert not any(each in str(product.server.lines).lower().encode() for each in NEEDLES)
    assert world.asked(LAKE_COUNTS) == lake
    assert world.command("lake", "verify")["problems"] == []
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
    got = len(world.sink.taken)
    product.postmaster("queue", "rules", "remove", world.hold, code=0)
    with smtplib.SMTP("127.0.0.1", product.smtp[0], timeout=20) as client:
        for to in ("ann.smith@EXAMPLE.net", BOB):
            client.sendmail("a@shop.example", [to], f"To: <{to}>\r\n\r\nx\r\n")
    wait_until(lambda: BOB.encode() in rcpts(world.sink.taken[got:]) and not product.queued(), 60)
    assert ANN.lower().encode() not in rcpts(world.sink.taken[got:])
    told = product.wait_for_disposition(20, event="person_erased")
    assert told["alias"] == report["alias"]
    product.server.process.send_signal(signal.SIGTERM)
    product.server.process.wait(60)
    # What she was sent just now is known by her address again
    world.command("erase", "--address", ANN, "--compact")
    assert holding(world.data_dir, NEEDLES) == {}


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
    world.all_is_in_the_lake()
    world.compact(days=False)
    world.all_is_in_the_lake()
    assert world.lake_hours() == {0, 1}
    acmes = "SELECT * FROM events WHERE tenant = 'acme' ORDER BY sequence"
    before, counts = world.asked(acmes), world.asked(LAKE_COUNTS)
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
    assert {"events", "history", "campaign_rows", "lake"} <= {
        each["name"] for each in manifest["stores"] if each["found"]
    }
    looked = api.right("POST", path, {**asked, "dryRun": True})
    done = api.right("POST", path, {**asked, "reason": "she asked"})
    assert (done["tenant"], done["found"]) == ("default", looked["found"])
    assert done["complete"], done
    assert api.right("POST", path, {**asked, "dryRun": True})["found"] == 0
    # Another tenant's mail to the same person is another matter
    assert world.asked(acmes) == before
    assert world.asked(LAKE_COUNTS) == counts
    assert ANN in str(before)
    texts = {
        whose: b"".join(
            text
            for file in world.data_dir.glob("lake/**/*.parquet")
            for text in parquet_texts(file, f"tenant = '{whose}'")
        ).lower()
        for whose in ("default", "acme")
    }
    assert not any(each in texts["default"] for each in NEEDLES)
    assert NEEDLES[0] in texts["acme"]
    assert world.command("lake", "verify")["problems"] == []
    hers = world.command(
        "export", "--address", ANN, "--tenant", "acme", "--out", str(world.folder / "acme.zip")
    )
    assert {"events", "lake"} <= {each["name"] for each in hers["stores"] if each["found"]}
    last = world.command("erase", "--address", ANN, "--tenant", "acme")
    assert last["complete"], last
    assert not holding(world.data_dir / "lake", NEEDLES)
    assert world.asked(LAKE_COUNTS) == counts
    entries = [
        json.loads(each) for each in product.postmaster("audit", "list", "--json").splitlines()
    ]
    erased = next(
        each
        for each in entries
        if each["action"] == "person.erased" and each["tenant"] == "default"
    )
    assert erased["actor"].startswith("key ")
