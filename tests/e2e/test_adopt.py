"""A data directory that is a copy sends nothing until it is adopted: what it has was perhaps delivered since."""

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.product import Product, good_session
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


@pytest.mark.parametrize("single", [True, False])
def test_a_copy_takes_mail_and_sends_none_until_it_is_adopted(tmp_path: Path, single: bool) -> None:
    folder, copied = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    product = Product(folder, sink=1, retry="[3600]", single=single)  # nobody listens there
    try:
        good_session(product.smtp[0], "first@example.org")
        wait_until(lambda: [each["attempts"] for each in product.queued()] == [1], 60)
        assert json.loads(product.postmaster("adopt", "--json")) == {
            "held": None,
            "since": None,
            "adopted": False,
        }
    finally:
        product.kill()
    shutil.copytree(folder, copied, ignore=shutil.ignore_patterns("run"))
    with RecordingSink() as sink:
        copy = Product(copied, sink=sink.port, single=single)
        try:
            good_session(copy.smtp[0], "second@example.org")
            wait_until(lambda: b"postmaster adopt" in copy.get("/readyz"), 60)
            assert "is a copy" in copy.postmaster("status", code=75)
            assert sorted(each["recipient"] for each in copy.queued()) == [
                "first@example.org",
                "second@example.org",
            ]
            assert not sink.taken
            held = json.loads(copy.postmaster("adopt", "--dry-run", "--json"))
            assert (held["adopted"], "copy" in held["held"]) == (False, True)
            assert "It is adopted" in copy.postmaster("adopt")
            copy.postmaster("queue", "retry", "--recipient", "first@example.org")
            wait_until(lambda: not copy.queued(), 60)
            assert len(sink.taken) == 2
            wait_until(lambda: "nothing is sent" not in copy.postmaster("status", code=None), 60)
        finally:
            copy.kill()
