"""docs/lake.md, "When the catalogue is lost", word for word: a server's lake is made anew of its bucket alone."""

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from angarium.config.schema import Queue
from angarium.queue import QueueOperator
from angarium.queue.wall_clock import wall_clock
from angarium.simulator.s3 import S3Stub
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink, wait_until
from tests.e2e.stub_thread import RunningStub, running
from tests.e2e.test_lake import COUNTS, Site

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PAGE = (Path(__file__).parents[2] / "docs/lake.md").read_text()
[SECTION] = re.findall(r"^## When the catalogue is lost$(.*?)^## ", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = [
    shlex.split(each) for each in re.findall(r"^    postmaster (.+)$", SECTION, re.MULTILINE)
]
LAKE = """
[lake]
enabled = true
flush_s = 0.2
bucket = "files"
region = "eu-central-1"
endpoint_url = "{url}"
prefix = "lake/"
access_key_id = "AKIASTUB"
secret_key_file = "s3.key"
"""
REPORT = """
SELECT era, tenant, event, tags, count(*) AS n, min(sequence), sum(sequence)
FROM events WHERE recipient NOT LIKE 'later%' GROUP BY ALL ORDER BY ALL
"""


@pytest.fixture
def bucket() -> Iterator[RunningStub[S3Stub]]:
    with running(S3Stub()) as found:
        yield found


def folder_with_key(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "s3.key").write_text("secret\n")
    (folder / "s3.key").chmod(0o600)
    return folder


def report(product: Product) -> Any:
    return json.loads(product.postmaster("lake", "query", REPORT, "--json"))["rows"]


def relayed(site: Site) -> int:
    """None yet where the lake cannot be asked yet."""
    said = site.shop.ask("POST", "/v1/lake/query", {"sql": COUNTS})
    return int(dict(said.json["rows"]).get("relayed", 0)) if said.status == 200 else 0


def run_documented(product: Product) -> str:
    """Return what the command itself says."""
    assert [each[:2] for each in COMMANDS] == [["lake", "rebuild"]] * 2 + [["lake", "verify"]]
    wanted, done, _ = [product.postmaster(*each) for each in COMMANDS]
    assert wanted.replace("would count", "count") == done
    return done


def test_a_lake_is_made_anew_of_its_bucket(tmp_path: Path, bucket: RunningStub[S3Stub]) -> None:
    settings = LAKE.format(url=bucket.stub.url)
    folder = folder_with_key(tmp_path / "site")
    with RecordingSink() as sink:
        product = Product(folder, sink=sink.port, more=settings)
        try:
            site = Site(product)
            for number in range(6):
                site.send(site.shop, "news@shop.example", f"b{number}@example.net")
            wait_until(lambda: relayed(site) == 6, 90)

            def all_is_there() -> bool:
                told = json.loads(product.postmaster("lake", "status", "--json"))
                return told["not_in_bucket"] == 0

            wait_until(all_is_there, 90)
            before = report(product)
            product.postmaster("lake", "rebuild", code=75)
            product.kill()

            # The folder is lost, and two objects of the bucket
            shutil.rmtree(folder / "data/lake")
            keys = sorted(bucket.stub.objects)
            for each in {keys[0], keys[-1]}:
                del bucket.stub.objects[each]
            there = dict(bucket.stub.objects)
            product = Product(folder, sink=sink.port, more=settings)
            reason = str(product.server.wait_for("lake_failed")["reason"])
            assert "postmaster lake rebuild" in reason
            site.product, site.shop.port = product, product.http
            site.send(site.shop, "news@shop.example", "later@example.net")
            product.wait_for_disposition(event="relayed", recipient="later@example.net")
            product.kill()
            assert bucket.stub.objects == there
            told = run_documented(product)
            assert "the server writes them once it runs" in told
            # So that nothing of what is to come again is trimmed: it is acknowledged no more
            operator = QueueOperator.open(folder / "data/queue", Queue(), wall_clock)
            cursor = operator.find_cursor("lake")
            operator.close()
            assert (cursor is not None and cursor.position) == 0
            product = Product(folder, sink=sink.port, more=settings)
            site.product, site.shop.port = product, product.http
            wait_until(lambda: relayed(site) == 7, 90)
            assert report(product) == before
            verified = json.loads(product.postmaster("lake", "verify", "--json"))
            assert (verified["problems"], len(verified["eras"])) == ([], 1)
            audit = product.postmaster("audit", "list")
            assert "lake.rebuilt" in audit
            product.postmaster("audit", "verify")
            wait_until(all_is_there, 90)
            product.assert_clean()
            product.kill()

            # The machine is lost
            other = folder_with_key(tmp_path / "other")
            shutil.copy(product.config, other)
            product.folder, product.config = other, other / product.config.name
            told = run_documented(product)
            assert "left out" not in told
            assert report(product) == before
            product = Product(other, sink=sink.port, more=settings)
            site = Site(product)
            site.send(site.shop, "news@shop.example", "later2@example.net")
            wait_until(lambda: relayed(site) == 8, 90)
            assert report(product) == before
            verified = json.loads(product.postmaster("lake", "verify", "--json"))
            assert (verified["problems"], len(verified["eras"])) == ([], 2)
            product.assert_clean()
        finally:
            product.kill()
