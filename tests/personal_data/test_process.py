"""Mirrors angarium/personal_data/__main__.py and desk.py: the process that the HTTP API starts, without a server."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import msgspec

from angarium.config.schema import Config, Log, Server
from angarium.tenancy.secret_file import make_secret_file, secret_path
from tests.queue.conftest import open_lmdb
from tests.queue.samples import FakeClock, make_ids, submission
from tests.service.running_server import TOP


def ask(config: Config, act: str, code: int = 0, **more: Any) -> bytes:
    question = {"config": config, "act": act, "address": "Ann@example.com", "tenant": None}
    done = subprocess.run(  # noqa: PLW1510 - the code is looked at
        [sys.executable, "-m", "angarium.personal_data"],
        input=msgspec.json.encode({**question, "actor": "key abc", **more}),
        capture_output=True,
        env={"PYTHONPATH": str(TOP)},
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


async def test_it_looks_exports_erases_and_finds_nothing_then(tmp_path: Path) -> None:
    """PD1"""
    clock = FakeClock()
    spool = open_lmdb(tmp_path, clock)
    new_id = make_ids(clock)
    for recipients in (("ann@example.com", "bob@example.com"), ("bob@example.com",)):
        await spool.accept([submission(new_id(), recipients)])
    spool.close()
    config = Config(
        server=Server(hostname="mx.example.com", data_dir=str(tmp_path)),
        log=Log(mail_log=str(tmp_path / "mail.log")),
    )
    make_secret_file(secret_path(config), None)
    looked = json.loads(ask(config, "look"))
    found = {each["name"]: each["found"] for each in looked["stores"] if each["found"]}
    assert found == {"queue": 1, "events": 1}
    out = tmp_path / "out.zip"
    with out.open("w+b") as file:
        subprocess.run(
            [sys.executable, "-m", "angarium.personal_data"],
            input=msgspec.json.encode(
                {
                    "config": config,
                    "act": "export",
                    "address": "ann@example.com",
                    "tenant": "default",
                    "actor": "key abc",
                }
            ),
            stdout=file,
            env={"PYTHONPATH": str(TOP)},
            timeout=120,
            check=True,
        )
    with zipfile.ZipFile(io.BytesIO(out.read_bytes())) as archive:
        (event,) = json.loads(archive.read("events.json"))
    assert (event["recipients"], event["other_recipients"]) == (["ann@example.com"], 1)
    report = json.loads(ask(config, "erase", reason="ann@example.com asked"))
    assert {each["name"]: each["found"] for each in report["stores"] if each["found"]} == found
    # Bob has yet to get the mail that names her
    left = {each["name"]: each["left"] for each in report["stores"] if each["left"]}
    assert set(left) <= {"queue"}
    again = json.loads(ask(config, "look"))
    assert {each["name"] for each in again["stores"] if each["found"]} <= {"queue"}
    spool = open_lmdb(tmp_path, clock)
    suppressed = spool.suppressions.find("ANN@example.com", "default", "news")
    assert suppressed is not None
    assert (suppressed.reason, suppressed.email) == ("erasure", report["alias"])
    assert spool.suppressions.find("bob@example.com", "default", "news") is None
    assert len(spool.events.read(0, 100)) == 5
    spool.close()


def test_what_cannot_be_reached_is_one_line_and_no_report(tmp_path: Path) -> None:
    config = Config(server=Server(hostname="mx.example.com", data_dir=str(tmp_path)))
    make_secret_file(secret_path(config), None)
    assert b"no queue" in ask(config, "look", code=1)
