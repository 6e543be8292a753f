"""Mirrors angarium/cli/tenant.py, key.py, domain.py and platform_access.py."""

import asyncio
import json
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from angarium.cli.exit import EX_DATAERR, EX_IOERR, EX_NOINPUT, EX_TEMPFAIL, EX_USAGE
from angarium.cli.main import run
from angarium.config.schema import Queue
from angarium.queue import LmdbSpool
from angarium.queue.model import UnixMs
from angarium.queue.wall_clock import wall_clock
from angarium.tenancy import KeyGrant, SnapshotFile
from angarium.tenancy.secret_file import read_secrets
from tests.queue.samples import submission

NOW = UnixMs(1_800_000_000_000)


class Shell:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.config = folder / "angarium.toml"
        self.config.write_text(
            '[server]\nhostname = "mx.example.com"\ndata_dir = "data"\n'
            '[dns]\nnameservers = ["127.0.0.1:1"]\ntimeout_s = 0.1\nlifetime_s = 0.2\n'
        )
        self._capsys = capsys

    def run(self, words: str, code: int = 0) -> str:
        found = run([*words.split(), "--config", str(self.config)])
        out, err = self._capsys.readouterr()
        assert found == code, err
        return out or err

    def json(self, words: str, code: int = 0) -> Any:
        return json.loads(self.run(f"{words} --json", code))

    def lines(self, words: str) -> list[Any]:
        return [json.loads(line) for line in self.run(f"{words} --json").splitlines()]


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def test_a_fresh_install_has_the_tenant_default_and_closed_files(shell: Shell) -> None:
    (default,) = shell.lines("tenant list")
    assert (default["name"], default["active"]) == ("default", True)
    for name in ("platform.db", "tenancy.key"):
        assert stat.S_IMODE((shell.data / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(shell.data.stat().st_mode) == 0o700


def test_a_tenant_is_created_shown_and_disabled(shell: Shell) -> None:
    made = shell.json("tenant create shop")
    assert set(made) == {"id", "name"}
    assert made["name"] == "shop"
    assert "already" in shell.run("tenant create shop", EX_DATAERR)
    shell.json("domain add shop.example --tenant shop")
    shown = shell.json("tenant show shop")
    assert shown["id"] == made["id"]
    assert shown["domains"] == [{"domain": "shop.example", "status": "pending"}]
    shell.run("tenant disable shop")
    assert not shell.json("tenant show shop")["active"]
    shell.run("tenant enable shop")
    assert shell.json("tenant show shop")["active"]
    assert "shop.example: pending" in shell.run("tenant show shop")
    assert "tenant create nobody" in shell.run("tenant show nobody", EX_NOINPUT)


def test_a_tenants_alignment_is_set_at_once(shell: Shell) -> None:
    shell.run("tenant create shop")
    assert shell.json("tenant show shop")["alignment"] == "strict"
    assert shell.json("tenant set shop --alignment relaxed")["alignment"] == "relaxed"
    assert SnapshotFile(shell.data).current.alignment_of("shop") == "relaxed"
    assert "alignment: relaxed" in shell.run("tenant show shop")
    assert "'loose'" in shell.run("tenant set shop --alignment loose", EX_USAGE)


def test_a_tenants_checks_are_set_at_once(shell: Shell) -> None:
    shell.run("tenant create shop")
    assert shell.json("tenant show shop")["check"] == {"mode": "off", "codes": []}
    changed = shell.run("tenant set shop --check block --check-codes link_broken,variable_left")
    assert changed.endswith("check block (link_broken, variable_left); tracking full\n")
    assert SnapshotFile(shell.data).current.check_of("shop").mode == "block"
    assert "check: block (link_broken, variable_left)" in shell.run("tenant show shop")
    assert shell.json("tenant set shop --check-codes all")["check"] == {
        "mode": "block",
        "codes": [],
    }
    assert "'loud'" in shell.run("tenant set shop --check loud", EX_USAGE)
    shell.run("tenant set shop --check-codes link_bad", EX_DATAERR)


def test_what_a_tenant_says_of_tracking_is_set_at_once(shell: Shell) -> None:
    shell.run("tenant create shop")
    told = shell.run(
        "tenant set shop --tracking aggregate --postal-address Shop --postal-address Street"
    )
    assert told.endswith("tracking aggregate\n")
    current = SnapshotFile(shell.data).current
    assert current.tracking_of("shop") == "aggregate"
    assert current.postal_address_of("shop") == "Shop\nStreet"
    assert "postal address: Street" in shell.run("tenant show shop")
    assert shell.json("tenant set shop --tracking none")["tracking"] == {
        "policy": "none",
        "postal_address": "Shop\nStreet",
    }
    assert "'some'" in shell.run("tenant set shop --tracking some", EX_USAGE)


def test_a_tenant_is_removed_only_by_who_means_it(shell: Shell) -> None:
    shell.run("tenant create shop")
    shell.json("key create --tenant shop")
    assert "--yes" in shell.run("tenant remove shop", EX_USAGE)
    assert shell.json("tenant remove shop --yes")["keys"] == 1
    assert SnapshotFile(shell.data).current.keys == {}
    assert "no tenant 'shop'" in shell.run("tenant show shop", EX_NOINPUT)
    assert "was removed" in shell.run("tenant create shop", EX_DATAERR)


def test_a_key_of_a_domain_is_rotated(shell: Shell) -> None:
    added = shell.json("domain add shop.example --assume-verified --key-type ed25519")
    (old,) = added["keys"]
    assert (old["type"], old["state"], old["record_may_go"]) == ("ed25519", "signs", None)
    rotated = shell.json("domain rotate shop.example")
    assert [each["state"] for each in rotated["keys"] if each != old] == ["waits"]
    dkim = [each["name"] for each in rotated["records"] if each["purpose"] == "dkim"]
    assert sorted(dkim) == sorted(each["record"] for each in rotated["keys"])
    assert "waits for its record already" in shell.run("domain rotate shop.example", EX_DATAERR)
    assert "waits for its record; then it signs" in shell.run("domain show shop.example")
    text = shell.run("domain rotate shop.example --force")
    assert "signs from now on" in text
    shown = shell.json("domain show shop.example")
    assert {each["record"]: each["state"] for each in shown["keys"]}[old["record"]] == "retired"
    assert old["record"] not in {each["name"] for each in shown["records"]}
    assert "its record may go after" in shell.run("domain show shop.example")


def test_what_was_found_is_kept_and_shown(shell: Shell) -> None:
    shell.run("domain add shop.example")
    assert shell.json("domain show shop.example")["checked"] is None
    assert "not looked at yet" in shell.run("domain show shop.example")
    shell.json("domain verify shop.example", EX_TEMPFAIL)
    shown = shell.json("domain show shop.example")
    assert shown["checked"] is not None
    ownership = shown["records"][0]
    assert (ownership["verdict"], ownership["is_answered"]) == ("warn", False)
    (listed,) = shell.lines("domain list")
    assert (listed["health"], listed["checked"]) == ("pending", shown["checked"])


def test_a_key_is_shown_once_and_works_at_once(shell: Shell) -> None:
    made = shell.json("key create --scopes send,events:read --rate 5")
    assert set(made) == {"id", "prefix", "key"}
    assert made["key"].startswith(f"{made['prefix']}_")
    grant = SnapshotFile(shell.data).current.find_key(made["key"], NOW, "192.0.2.1")
    assert isinstance(grant, KeyGrant)
    (listed,) = shell.lines("key list")
    assert (listed["scopes"], listed["rate"]) == (["emails:send", "events:read"], 5)
    for words in ("key list", "key list --json", f"key show {made['id']}"):
        shown = shell.run(words)
        assert made["prefix"] in shown
        assert made["key"] not in shown
    for file in shell.data.iterdir():
        if file.is_file():
            assert made["key"].rpartition("_")[2].encode() not in file.read_bytes(), file


def test_a_ses_key_has_the_names_that_aws_gives(shell: Shell) -> None:
    made = shell.json("key create --kind ses")
    assert set(made) == {"id", "accessKeyId", "secretAccessKey"}
    secrets = read_secrets(shell.data / "tenancy.key")
    assert made["secretAccessKey"] == secrets.ses_secret(made["id"], 1)
    assert made["accessKeyId"] == made["id"].upper()


def test_a_key_is_rotated_and_revoked_at_once(shell: Shell) -> None:
    first = shell.json("key create")
    snapshots = SnapshotFile(shell.data)
    second = shell.json(f"key rotate {first['id']} --overlap 1h")
    assert (second["id"], second["prefix"]) == (first["id"], first["prefix"])
    snapshots.refresh()
    now = UnixMs(time.time_ns() // 1_000_000)
    for each in (first, second):
        assert isinstance(snapshots.current.find_key(each["key"], now, "192.0.2.1"), KeyGrant)
    assert shell.json(f"key revoke {first['id']}")["revoked"]
    snapshots.refresh()
    for each in (first, second):
        found = snapshots.current.find_key(each["key"], now, "192.0.2.1")
        assert getattr(found, "problem", "") == "revoked"
    assert "revoked" in shell.run("key list")
    assert "no key" in shell.run("key revoke nothing", EX_NOINPUT)


def test_an_smtp_key_says_how_to_log_in(shell: Shell) -> None:
    text = shell.run("key create --kind smtp --name cron --network 192.0.2.0/24 --expires-in 90d")
    assert "user name:" in text
    assert "password:" in text
    (listed,) = shell.lines("key list")
    assert (listed["kind"], listed["name"]) == ("smtp", "cron")
    assert listed["networks"] == ["192.0.2.0/24"]
    assert listed["expires"]


def test_what_is_wrong_with_a_key_is_said(shell: Shell) -> None:
    assert "no scope is called 'fly'" in shell.run("key create --scopes fly", EX_DATAERR)
    assert "one of them" in shell.run("key create --scopes send --role admin", EX_USAGE)
    assert "no tenant 'shop'" in shell.run("key create --tenant shop", EX_NOINPUT)
    assert shell.lines("key list") == []
    assert shell.run("key list") == "No keys.\n"
    shell.json("key create --role analyst")
    assert "suppressions:read" in shell.run("key list")


def test_a_domain_comes_with_its_records(shell: Shell) -> None:
    added = shell.json("domain add Shop.example")
    assert (added["domain"], added["status"]) == ("shop.example", "pending")
    assert [each["purpose"] for each in added["records"]][:2] == ["ownership", "dkim"]
    assert all(each["name"].endswith("shop.example") for each in added["records"])
    assert added["records"] == shell.json("domain show shop.example")["records"]
    assert "_angarium.shop.example." in shell.run("domain show shop.example")
    assert "has shop.example already" in shell.run("domain add shop.example", EX_DATAERR)
    assert SnapshotFile(shell.data).current.domains_of("default") == ()


def test_the_operators_word_verifies_a_domain(shell: Shell) -> None:
    added = shell.json("domain add shop.example --assume-verified")
    assert (added["status"], added["assumed"]) == ("verified", True)
    assert SnapshotFile(shell.data).current.domains_of("default") == ("shop.example",)
    assert "by the operator's word" in shell.run("domain list")
    shell.run("tenant create other")
    text = shell.run("domain add shop.example --tenant other", EX_DATAERR)
    assert "is tenant 'default'" in text
    assert shell.json("domain remove shop.example")["status"] == "removed"
    assert SnapshotFile(shell.data).current.domains_of("default") == ()
    assert shell.run("domain list") == "No domains.\n"


def test_a_domain_without_its_token_stays_pending(shell: Shell) -> None:
    shell.run("domain add shop.example")
    report = shell.json("domain verify shop.example", EX_TEMPFAIL)
    assert report["status"] == "pending"
    assert {each["verdict"] for each in report["records"]} & {"warn", "fail"}
    assert report["checks"]
    text = shell.run("domain verify shop.example", EX_TEMPFAIL)
    assert "shop.example: pending" in text
    verified = shell.json("domain verify shop.example --assume-verified")
    assert (verified["status"], verified["assumed"]) == ("verified", True)


def test_a_secret_file_that_others_may_read_stops_the_command(shell: Shell) -> None:
    shell.run("tenant list")
    (shell.data / "tenancy.key").chmod(0o644)
    assert "chmod 0600" in shell.run("tenant list", EX_IOERR)


def test_a_secret_file_of_ones_own_is_relative_to_the_configuration(shell: Shell) -> None:
    with shell.config.open("a") as file:
        file.write('[tenancy]\ndatabase = "sqlite:///p.db"\nsecret_file = "keys/tenancy.key"\n')
    shell.run("tenant list")
    assert (shell.folder / "keys" / "tenancy.key").exists()
    assert (shell.data / "p.db").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root acts for others")
@pytest.mark.parametrize("more", ["", '[tenancy]\nsecret_file = "keys/tenancy.key"\n'])
def test_what_root_makes_is_the_owners_of_the_directory(
    capsys: pytest.CaptureFixture[str], more: str
) -> None:
    with tempfile.TemporaryDirectory() as name:  # others cannot enter those that pytest makes
        folder = Path(name)
        folder.chmod(0o711)
        shell = Shell(folder, capsys)
        with shell.config.open("a") as file:
            file.write(more)
        shell.data.mkdir(mode=0o700)
        os.chown(shell.data, 65534, 65534)
        shell.run("key create")
        files = [each for each in folder.rglob("*") if each.is_file() and each != shell.config]
        assert {each.name for each in files} == {"platform.db", "platform.snapshot", "tenancy.key"}
        assert {each.stat().st_uid for each in files} == {65534}


def test_a_plan_is_set_and_shown_with_its_use(shell: Shell) -> None:
    shell.json("tenant create shop")
    set_ = shell.json(
        "tenant set shop --quota-day 10000 --over-quota wait --rate 50 --streams bulk"
    )
    assert set_["plan"] == {
        "rate": 50,
        "quotas": {"day": 10000},
        "over_quota": "wait",
        "streams": ["bulk"],
        "pools": [],
    }
    assert "quota: 10000 recipients per day" in shell.run("tenant show shop")
    terms = SnapshotFile(shell.data).current.terms("shop")

    async def send() -> None:
        spool = LmdbSpool.open(shell.data / "queue", Queue(min_free_octets=1), wall_clock)
        await spool.accept_on_terms([submission(bytes(16), tenant="shop")], terms)
        spool.close()

    asyncio.run(send())
    text = shell.run("tenant show shop")
    assert "rate: 50 per second" in text
    assert "quota: 1 of 10000 recipients per day, until " in text
    assert "what is over: waits for the next period" in text
    assert shell.json("tenant show shop")["quota_use"]["day"]["used"] == 1
    cleared = "tenant set shop --quota-day none --rate none --streams all --over-quota refuse"
    assert shell.run(cleared) == "shop: no limits; alignment strict; check off; tracking full\n"


def test_what_cannot_be_a_plan_is_said(shell: Shell) -> None:
    assert "say what is to be changed" in shell.run("tenant set default", EX_USAGE)
    assert "no limit: write a number" in shell.run("tenant set default --quota-day 0", EX_USAGE)
    refused = shell.run("tenant set default --streams news", EX_DATAERR)
    assert "no stream 'news' in the configuration: bulk, default, transactional" in refused
    assert "no pool 'x' in the configuration: none" in shell.run(
        "tenant set default --pools x", EX_DATAERR
    )
    assert "no tenant 'shop'" in shell.run("tenant set shop --rate 5", EX_NOINPUT)
