"""Mirrors angarium/cli/queue/command.py and its parts, on a real queue that was left by a server."""

import asyncio
import json
import os
import pwd
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from angarium.cli.main import run
from angarium.config.schema import Queue
from angarium.queue import (
    Attempt,
    Commit,
    Deferred,
    DeliveryId,
    Done,
    LmdbSpool,
    MessageIdGenerator,
    PartitionNumber,
    UnixMs,
    message_id_text,
)
from angarium.queue.wall_clock import wall_clock
from angarium.service.data_dir import DataDir
from tests.queue.samples import submission

SETTINGS = Queue(min_free_octets=1, map_octets=1 << 20)
HOUR_MS = 3_600_000
ME = pwd.getpwuid(os.getuid()).pw_name


class Filled:
    """A queue with three messages: one deferred, one fresh, one delivered."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "angarium.toml"
        self.config.write_text(
            f'[server]\nhostname = "mx1.example.com"\ndata_dir = "{directory}/data"\n'
            '[[route]]\ndomain = "*.routed.example"\nvia = "smtp://10.0.0.5:25"\n'
            "[queue]\nmin_free_octets = 1\nmap_octets = 1048576\n"
        )
        self.now = wall_clock()
        new_id = MessageIdGenerator(wall_clock, os.urandom)
        self.deferred, self.fresh, self.delivered = new_id(), new_id(), new_id()
        asyncio.run(self._fill(directory / "data" / "queue"))

    def id(self, message_id: bytes) -> str:
        return message_id_text(message_id)

    def attempt(self, code: int, text: str, **more: str) -> Attempt:
        return Attempt(
            at=self.now,
            host="mx.example.net",
            address="192.0.2.1",
            source="ip1",
            code=code,
            enhanced="4.2.1",
            text=text,
            tls=more.pop("tls", "TLSv1.3"),
            stage="rcpt",
            **more,
        )

    async def _fill(self, path: Path) -> None:
        path.mkdir(parents=True)
        spool = LmdbSpool.open(path, SETTINGS, wall_clock)
        accepted = {"accepted": self.now - HOUR_MS}
        await spool.accept(
            [
                submission(self.deferred, ["bob@example.net"], **accepted),
                submission(
                    self.fresh, ["ann@a.routed.example"], sender="", tenant="shop", partition=1
                ),
                submission(self.delivered, ["eve@example.org"], **accepted),
            ]
        )
        partition = await spool.own(PartitionNumber(0), "test")
        await partition.replay()
        heads = partition.due(UnixMs(self.now + 1000), 10).heads
        mine = [each for each in heads if each.id.message_id != self.fresh]
        await partition.claim(mine)
        later = Deferred(
            id=DeliveryId(self.deferred, 0),
            due=UnixMs(self.now + 600_000),
            attempt=self.attempt(451, "451 4.7.1 try later"),
        )
        done = Done(
            id=DeliveryId(self.delivered, 0),
            outcome="delivered",
            attempt=self.attempt(
                250, "250 2.0.0 ok", tls="", tls_skipped="TLS handshake: timed out"
            ),
        )
        await partition.commit(Commit(settled=[later, done]))
        spool.close()


@pytest.fixture
def filled(tmp_path: Path) -> Filled:
    return Filled(tmp_path)


class Cli:
    def __init__(self, filled: Filled, capsys: pytest.CaptureFixture[str]) -> None:
        self._filled = filled
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        found = run(["queue", *arguments, "--config", str(self._filled.config)])
        output = self._capsys.readouterr()
        assert found == code, output.out + output.err
        return output.out + output.err

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def listed(self, *arguments: str) -> list[str]:
        return [each["id"].partition(".")[0] for each in self.json("list", *arguments)["entries"]]


@pytest.fixture
def cli(filled: Filled, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(filled, capsys)


def test_the_list_shows_who_waits_and_why(filled: Filled, cli: Cli) -> None:
    text = cli("list")
    assert f"{filled.id(filled.deferred)}.0 scheduled" in text
    assert "(451 4.7.1 try later)" in text
    assert "<> -> <ann@a.routed.example>" in text
    assert "in the queue: 2 recipients of 2 messages: 2 scheduled, 0 in flight, 0 held" in text


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--tenant", "shop"], ["fresh"]),
        (["--sender", "<>"], ["fresh"]),
        (["--sender", "@example.com"], ["deferred"]),
        (["--sender", "alice@example.com"], ["deferred"]),
        (["--recipient", "BOB@example.net"], ["deferred"]),
        (["--domain", "a.routed.example"], ["fresh"]),
        (["--state", "held"], []),
        (["--older-than", "30m"], ["deferred"]),
        (["--older-than", "30m", "--tenant", "shop"], []),
        (["--older-than", "30m", "--older-than", "2h"], []),
        (["--domain", "example.net", "--domain", "a.routed.example"], ["deferred", "fresh"]),
        (["--sender", "<>", "--sender", "@example.com"], ["deferred", "fresh"]),
        (["--state", "held", "--state", "scheduled", "--tenant", "shop"], ["fresh"]),
        (["--reply", "TRY later"], ["deferred"]),
        (["--reply", "451*later"], ["deferred"]),
        (["--reply", "later*451"], []),
        (["--reply", "nothing", "--reply", "*"], ["deferred"]),
        (["--held-by", "1"], []),
    ],
)
def test_filters_narrow_the_list(
    filled: Filled, cli: Cli, arguments: Sequence[str], wanted: list[str]
) -> None:
    assert cli.listed(*arguments) == [filled.id(getattr(filled, each)) for each in wanted]


def test_the_list_is_paged(filled: Filled, cli: Cli) -> None:
    first = cli.json("list", "--limit", "1")
    assert len(first["entries"]) == 1
    second = cli.json("list", "--limit", "1", "--after", first["next"])
    assert second["entries"][0]["id"] != first["entries"][0]["id"]


def test_show_has_the_history_of_a_finished_message(filled: Filled, cli: Cli) -> None:
    shown = cli.json("show", filled.id(filled.delivered))
    assert not shown["queued"]
    assert [each["event"] for each in shown["events"]] == ["accepted", "delivered"]
    assert "delivered <eve@example.org> by mx.example.net" in cli(
        "show", filled.id(filled.delivered)
    )


def test_show_content_is_the_message_and_nothing_else(
    filled: Filled, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    arguments = ["queue", "show", filled.id(filled.fresh), "--content"]
    assert run([*arguments, "--config", str(filled.config)]) == 0
    assert capfdbinary.readouterr().out == b"Subject: a\r\n\r\nhello\r\n"
    arguments[-1] = "--headers"
    assert run([*arguments, "--reason", "a complaint", "--config", str(filled.config)]) == 0
    assert capfdbinary.readouterr().out == b"Subject: a\r\n\r\n"
    assert run([*arguments[:-1], "--config", str(filled.config)]) == 0
    history = capfdbinary.readouterr().out.decode()
    assert f"content shown (all) to {ME}\n" in history
    assert f"content shown (headers) to {ME}: a complaint\n" in history


def test_explain_tells_each_gate_in_words(filled: Filled, cli: Cli) -> None:
    text = cli("explain", filled.id(filled.deferred))
    assert "by submission 127.0.0.1:2525 from 127.0.0.1, logged in as alice." in text
    assert "no [[route]] matches: to the domain's MX hosts" in text
    assert (
        "attempt 1 failed for now: mx.example.net [192.0.2.1] from source ip1 over TLSv1.3, at rcpt:"
        " 451 4.7.1 try later" in text
    )
    assert "now: waits; next attempt" in text
    assert "after attempt 1: delivery.retry_s has 1 min there (+- 20 %)" in text
    assert "expires:" in text
    finished = cli("explain", filled.id(filled.delivered) + ".0")
    assert "delivered: mx.example.net" in finished
    assert "now: out of the queue" in finished
    fresh = cli("explain", filled.id(filled.fresh))
    assert '[[route]] domain = "*.routed.example": to the smart host smtp://10.0.0.5:25' in fresh
    assert "which is the first" in fresh


def test_hold_and_release_are_seen_by_list_and_explain(filled: Filled, cli: Cli) -> None:
    held = cli("hold", "--domain", "example.net", "--reason", "a complaint")
    assert f"1 recipient held by {ME}: a complaint." in held
    assert f"{filled.id(filled.deferred)}.0  <bob@example.net>" in held
    assert cli.listed("--state", "held") == [filled.id(filled.deferred)]
    text = cli("explain", filled.id(filled.deferred))
    assert f"held by {ME}" in text
    assert "held: nothing happens until `postmaster queue release`" in text
    assert cli.json("release", "--state", "held")["count"] == 1
    assert cli.listed("--state", "held") == []


def test_retry_makes_due_now(filled: Filled, cli: Cli) -> None:
    assert cli.json("retry", "--id", filled.id(filled.deferred))["count"] == 1
    entry = cli.json("list", "--domain", "example.net")["entries"][0]
    assert entry["due_at"] <= cli.json("show", filled.id(filled.deferred))["events"][-1]["ts"]
    assert f"because {ME} asked for it" in cli("explain", filled.id(filled.deferred))


def test_cancel_removes_without_a_trace_but_its_event(filled: Filled, cli: Cli) -> None:
    assert f"1 recipient cancelled by {ME}." in cli(
        "cancel", "--id", f"{filled.id(filled.fresh)}.0"
    )
    assert cli.listed() == [filled.id(filled.deferred)]
    assert cli.json("show", filled.id(filled.fresh))["events"][-1]["event"] == "cancelled"


def test_reschedule_gives_another_start(filled: Filled, cli: Cli) -> None:
    name = filled.id(filled.fresh)
    done = cli.json("reschedule", name, "--at", "2099-07-01T10:30", "--reason", "too early")
    assert (done["id"], done["due_at"], done["recipients"]) == (name, "2099-07-01T10:30:00.000Z", 1)
    assert "starts 2099-07-01 10:30:00 UTC" in cli("list")
    (entry,) = cli.json("list", "--id", name)["entries"]
    assert entry["starts_at"] == entry["due_at"] == done["due_at"]
    event = cli.json("show", name)["events"][-1]
    assert (event["event"], event["due"]) == ("rescheduled", done["due_at"])
    assert (event["actor"], event["reason"]) == (ME, "too early")
    assert "which is the first: it is not to be sent before" in cli("explain", name)
    assert "due" in cli("reschedule", name, "--at", "now")
    assert "waits; next attempt" in cli("explain", name)


def test_reschedule_says_why_it_did_nothing(filled: Filled, cli: Cli) -> None:
    assert "an attempt was made" in cli(
        "reschedule", filled.id(filled.deferred), "--at", "2h", code=75
    )
    done = filled.id(filled.delivered)
    assert "is not in the queue" in cli("reschedule", done, "--at", "2h", code=66)
    assert "is no start; write now, 90s" in cli("reschedule", done, "--at", "soon", code=64)


@pytest.mark.parametrize("act", ["retry", "hold", "cancel", "bounce"])
def test_a_dry_run_changes_nothing(cli: Cli, act: str) -> None:
    before = cli.json("list")["entries"]
    affected = cli.json(act, "--state", "scheduled", "--dry-run")
    assert (affected["count"], affected["dry_run"]) == (2, True)
    assert "would be" in cli(act, "--state", "scheduled", "--dry-run")
    assert cli.json("list")["entries"] == before


@pytest.mark.parametrize("act", ["retry", "hold", "release", "cancel", "bounce"])
def test_an_empty_filter_is_refused(cli: Cli, act: str) -> None:
    assert "the whole queue" in cli(act, code=64)
    assert "--domain is empty" in cli(act, "--domain", "", code=64)
    assert len(cli.listed()) == 2


@pytest.mark.parametrize("id_", ["zzz", "01a2", "01a20158-9ad2-733e-b7af-d960e9682fzz", "."])
def test_what_is_no_id_is_refused(cli: Cli, id_: str) -> None:
    assert "id" in cli("show", id_, code=64)
    assert "id" in cli("hold", "--id", id_, code=64)


def test_an_unknown_id_is_said_to_be_unknown(cli: Cli) -> None:
    assert "no such message" in cli("explain", "01a20158-9ad2-733e-b7af-d960e9682f46", code=66)


def test_a_queue_that_is_not_there_is_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.toml"
    file.write_text(f'[server]\nhostname = "mx1.example.com"\ndata_dir = "{tmp_path}/none"\n')
    assert run(["queue", "list", "--config", str(file)]) == 66
    assert "has this server run yet" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_compact_says_what_it_gave_back(cli: Cli) -> None:
    would = cli.json("compact", "--dry-run")
    assert would["dry_run"]
    done = cli.json("compact")
    assert done["after_octets"] <= done["before_octets"]
    assert len(cli.listed()) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root acts as somebody else")
def test_root_leaves_no_file_that_the_servers_user_cannot_open(filled: Filled, cli: Cli) -> None:
    owner = pwd.getpwnam("nobody")
    queue = filled.config.parent / "data" / "queue"
    for directory in queue.parents[: len(queue.parents) - 2]:  # pytest's own are closed to others
        if "pytest" in str(directory):
            directory.chmod(0o711)
    for each in (queue.parent, queue, *queue.iterdir()):
        os.chown(each, owner.pw_uid, owner.pw_gid)
    cli("compact")
    (queue / "use.lock").unlink()
    cli("list")
    assert {each.name for each in queue.iterdir()} == {"data.mdb", "lock.mdb", "use.lock"}
    assert {each.stat().st_uid for each in queue.iterdir()} == {owner.pw_uid}
    assert os.geteuid() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root acts as somebody else")
@pytest.mark.parametrize("name", ["queue/lock.mdb", "queue/data.mdb", "queue/use.lock", "queue"])
def test_root_follows_no_link_that_the_servers_user_planted_l1(filled: Filled, name: str) -> None:
    owner = pwd.getpwnam("nobody")
    data = filled.config.parent / "data"
    for directory in data.parents[: len(data.parents) - 1]:  # pytest's own are closed to others
        if "pytest" in str(directory):
            directory.chmod(0o711)
    for each in (data, *data.rglob("*")):
        os.chown(each, owner.pw_uid, owner.pw_gid)
    outside = filled.config.parent / "outside"
    (data / name).rename(outside)  # root's now, and as it would be right
    for each in (outside, *outside.rglob("*")):
        os.chown(each, 0, 0)
    (data / name).symlink_to(outside)
    before = [(each, each.stat()) for each in (outside, *outside.rglob("*"))]
    assert run(["queue", "list", "--config", str(filled.config)]) != 0
    assert [(each, each.stat()) for each in (outside, *outside.rglob("*"))] == before
    assert os.geteuid() == 0


def test_a_domain_is_found_however_it_is_written(filled: Filled, cli: Cli) -> None:
    one = [filled.id(filled.deferred)]
    assert cli.listed("--domain", "Example.NET.") == one
    assert cli.listed("--recipient", "BOB@example.net.") == one
    assert cli.listed("--recipient", "bob@b\u00fccher.example") == []


async def test_an_international_domain_is_found_by_the_name_that_people_write(
    filled: Filled, capsys: pytest.CaptureFixture[str]
) -> None:
    spool = LmdbSpool.open(filled.config.parent / "data" / "queue", SETTINGS, wall_clock)
    new_id = MessageIdGenerator(wall_clock, os.urandom)
    await spool.accept(
        [
            submission(new_id(), ["joe@xn--bcher-kva.example"]),
            submission(new_id(), ["lit@[IPv6:2001:DB8::1]"]),
        ]
    )
    spool.close()
    for condition, value in (
        ("--domain", "b\u00fccher.example"),
        ("--recipient", "joe@B\u00fccher.example"),
        ("--domain", "[IPv6:2001:db8::1]"),
    ):
        arguments = ["list", condition, value, "--json", "--config", str(filled.config)]
        assert await asyncio.to_thread(run, ["queue", *arguments]) == 0
        assert len(json.loads(capsys.readouterr().out)["entries"]) == 1, value


@pytest.mark.parametrize("act", ["retry", "hold", "release", "cancel", "bounce"])
def test_an_id_that_is_not_in_the_queue_is_no_success(filled: Filled, cli: Cli, act: str) -> None:
    gone = filled.id(filled.delivered)
    assert "no such recipient" in cli(act, "--id", gone, code=66)
    assert "no such recipient" in cli(act, "--id", f"{filled.id(filled.fresh)}.7", code=66)
    assert "0 recipients" in cli(act, "--domain", "nobody.example")


def test_explain_of_a_recipient_that_never_was_is_refused(filled: Filled, cli: Cli) -> None:
    assert "no such recipient" in cli("explain", f"{filled.id(filled.fresh)}.7", code=66)
    assert "<ann@" in cli("explain", f"{filled.id(filled.fresh)}.0")
    assert "<eve@" in cli("explain", f"{filled.id(filled.delivered)}.0")


def test_explain_does_not_promise_what_does_not_happen(filled: Filled, cli: Cli) -> None:
    fresh = filled.id(filled.fresh)
    assert "nobody is told: its sender is <>" in cli("explain", fresh)
    cli("hold", "--id", fresh)
    text = cli("explain", fresh)
    assert "what is held stays" in text
    assert "is told" not in text


def test_what_is_no_cursor_is_refused_in_words(cli: Cli) -> None:
    assert "is no cursor" in cli("list", "--after", "zz", code=64)


def test_who_and_why_stand_in_the_history(filled: Filled, cli: Cli) -> None:
    deferred = filled.id(filled.deferred)
    cli("hold", "--id", deferred, "--reason", "a complaint")
    assert f"held by {ME}: a complaint" in cli("explain", deferred)
    assert f"by {ME}: a complaint" in cli("show", deferred)
    event = cli.json("show", deferred)["events"][-1]
    assert (event["actor"], event["reason"]) == (ME, "a complaint")


def test_a_rule_is_made_listed_and_removed(filled: Filled, cli: Cli) -> None:
    made = cli.json(
        *("hold", "--domain", "example.net", "--rule", "--until", "2h", "--reason", "listed")
    )["rules"][0]
    assert made.pop("held_now") == 1
    assert (made["domain"], made["who"], made["reason"]) == ("example.net", ME, "listed")
    (listed,) = cli.json("rules")["rules"]
    assert listed == made
    text = cli("rules")
    assert "domain example.net; since " in text
    assert f"by {ME}: listed" in text
    assert cli.listed("--state", "held") == [filled.id(filled.deferred)]  # what was there already
    explained = cli("explain", filled.id(filled.deferred))
    assert f"held by rule {made['id']} of {ME}: listed" in explained
    assert f"held by rule {made['id']}: nothing happens until `postmaster queue release` or 2" in (
        explained
    )
    removed = cli.json("rules", "remove", str(made["id"]), "--release")
    assert (removed["removed"], removed["count"]) == (made["id"], 1)
    assert cli("rules").strip() == "no rules"
    assert cli.listed("--state", "held") == []


def test_a_rule_that_is_removed_leaves_held_what_it_held(filled: Filled, cli: Cli) -> None:
    (made,) = cli.json("hold", "--tenant", "shop", "--rule")["rules"]
    assert "stays held" in cli("rules", "remove", str(made["id"]))
    assert cli.listed("--state", "held") == [filled.id(filled.fresh)]
    assert "1 recipient released" in cli("release", "--state", "held")


def test_what_a_rule_cannot_be_is_refused(cli: Cli) -> None:
    assert "--domain" in cli("hold", "--id", "x", "--rule", code=64)
    assert "known by" in cli("hold", "--domain", "a.b", "--older-than", "1h", "--rule", code=64)
    assert "belongs to --rule" in cli("hold", "--domain", "a.b", "--until", "1h", code=64)
    assert "whole queue" in cli("hold", "--rule", code=64)
    assert "7" in cli("rules", "remove", "7", code=66)


def test_a_dry_run_of_a_rule_only_says_what_it_would_hold_now(cli: Cli) -> None:
    assert "1 recipient would be held" in cli("hold", "--tenant", "shop", "--rule", "--dry-run")
    assert cli.json("rules")["rules"] == []


def test_explain_says_why_tls_was_done_without(filled: Filled, cli: Cli) -> None:
    delivered = filled.id(filled.delivered)
    assert "(the TLS that the host offers was done without: TLS handshake: timed out)" in cli(
        "explain", delivered
    )
    (recipient,) = cli.json("explain", delivered)["recipients"]
    attempt = recipient["history"][-1]["attempt"]
    assert attempt["tls_skipped"] == "TLS handshake: timed out"


def test_explain_gives_its_values_as_json(filled: Filled, cli: Cli) -> None:
    deferred = filled.id(filled.deferred)
    explained = cli.json("explain", deferred)
    assert explained["id"] == explained["message"] == deferred
    assert explained["lines"] == cli("explain", deferred).splitlines()
    (recipient,) = explained["recipients"]
    assert (recipient["id"], recipient["recipient"]) == (f"{deferred}.0", "bob@example.net")
    assert recipient["history"][-1]["attempt"]["text"] == "451 4.7.1 try later"
    assert (recipient["next"]["state"], recipient["next"]["why"]) == ("scheduled", "schedule")
    assert recipient["live"] is None  # no server runs
    assert explained["accepted"]["user"] == "alice"


def test_a_server_that_does_not_answer_is_not_gone_around(
    filled: Filled, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("angarium.cli.queue.access.PATIENCE_S", 0.2)
    data_dir = DataDir(filled.config.parent / "data")
    data_dir.run.mkdir()
    lock = data_dir.acquire()
    try:
        refused = cli("cancel", "--state", "scheduled", code=75)
        assert f"(pid {os.getpid()}) uses" in refused
        assert "nothing was done" in refused
    finally:
        os.close(lock)
    assert len(cli.listed()) == 2


def test_a_link_in_the_place_of_the_lock_is_not_followed(filled: Filled, cli: Cli) -> None:
    """L1: the command may be root's, the directory is the server's user's."""
    data = filled.config.parent / "data"
    (data / "run").mkdir()
    (data / "run" / "lock").symlink_to(filled.config)
    assert "lock" in cli("list", code=74)


def test_the_list_counts_what_it_lists(cli: Cli) -> None:
    page = cli.json("list", "--limit", "1")
    assert (page["count"], page["matching"]) == (1, 2)
    assert "listed: 1 recipient of 2 that match" in cli("list", "--limit", "1")
    assert "listed: 1 recipient\n" in cli("list", "--tenant", "shop")
    assert cli.json("list", "--tenant", "shop")["matching"] == 1
    assert cli.json("list", "--limit", "1", "--after", page["next"])["matching"] == 2


def test_an_act_takes_every_value_that_is_given(filled: Filled, cli: Cli) -> None:
    done = cli.json("hold", "--domain", "example.net", "--domain", "a.routed.example")
    assert {each["recipient"] for each in done["recipients"]} == {
        "bob@example.net",
        "ann@a.routed.example",
    }
    assert (done["who"], done["reason"]) == (ME, "")
    assert len(cli.listed("--state", "held")) == 2


def test_a_rule_is_made_for_each_value(cli: Cli) -> None:
    arguments = ["--domain", "example.net", "--domain", "b.example", "--tenant", "default"]
    made = cli.json("hold", *arguments, "--rule")["rules"]
    assert [(each["domain"], each["tenant"]) for each in made] == [
        ("example.net", "default"),
        ("b.example", "default"),
    ]
    assert [each["held_now"] for each in made] == [1, 0]
    assert len(cli.listed("--held-by", str(made[0]["id"]))) == 1
    assert "1 recipient released" in cli("release", "--held-by", str(made[0]["id"]))


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--provider", "gmial", "there are"),
        ("--tenant", "a shop", "letters, digits"),
        ("--domain", "bob@example.net", "no domain"),
        ("--domain", "exa mple", "no domain"),
        ("--sender", "bob", "@domain"),
        ("--recipient", "bob", "--domain"),
        ("--recipient", "@example.net", "--domain"),
        ("--reply", " ", "empty"),
        ("--id", "01a20158-9ad2-733e-b7af-d960e9682f46.x", "id"),
    ],
)
def test_a_value_that_can_match_nothing_is_refused(
    cli: Cli, option: str, value: str, told: str
) -> None:
    for command in (["list"], ["summary"], ["cancel"], ["hold", "--dry-run"]):
        assert told in cli(*command, option, value, code=64)
    assert len(cli.listed()) == 2


def test_a_provider_that_may_be_is_taken(cli: Cli) -> None:
    assert cli.listed("--provider", "gmail") == []
    assert cli.listed("--provider", "mx.example.net") == []


def test_the_summary_says_what_waits_and_how_long(cli: Cli) -> None:
    found = cli.json("summary")
    assert [(each["value"], each["count"]) for each in found["rows"]] == [
        ("a.routed.example", 1),
        ("example.net", 1),
    ]
    assert found["rows"][1]["ages"]["4h"] == 1
    assert (found["total"]["count"], found["total"]["scheduled"], found["others"]) == (2, 2, None)
    assert cli.json("summary", "--by", "sender")["rows"][0]["value"] == ""
    assert [each["value"] for each in cli.json("summary", "--by", "age")["rows"]] == ["5m", "4h"]
    others = cli.json("summary", "--limit", "1")["others"]
    assert (others["count"], others["ages"]["4h"]) == (1, 1)
    text = cli("summary", "--by", "provider", "--tenant", "shop")
    assert "smtp://10.0.0" in text  # by its route: nothing has been delivered
    assert "(not known yet)" in cli("summary", "--by", "provider")
    assert text.splitlines()[-1].split()[:3] == ["total", "1", "1"]


def test_a_reply_of_the_summary_finds_its_recipients(filled: Filled, cli: Cli) -> None:
    rows = cli.json("summary", "--by", "reply")["rows"]
    kinds = [each["value"] for each in rows]
    assert kinds == ["", "451 4.7.1 try later"]
    assert cli.listed("--reply", kinds[1]) == [filled.id(filled.deferred)]


def test_an_id_may_be_cut(filled: Filled, cli: Cli) -> None:
    whole = filled.id(filled.delivered)
    assert cli.json("show", whole[:-3])["id"] == whole
    assert cli.json("explain", whole[:-3].replace("-", "") + ".0")["id"] == f"{whole}.0"
    held = filled.id(filled.deferred)[:-2]
    assert cli.json("hold", "--id", held)["count"] == 1
    assert cli.listed("--id", held + ".0") == [filled.id(filled.deferred)]


def test_an_id_that_may_be_several_lists_them(filled: Filled, cli: Cli) -> None:
    for command in (["show"], ["explain"], ["cancel", "--id"]):
        told = cli(*command, filled.id(filled.fresh)[:8], code=64)
        assert all(
            filled.id(each) in told for each in (filled.deferred, filled.fresh, filled.delivered)
        )
    assert len(cli.listed()) == 2
    assert "begins so" in cli("show", "ffffffff", code=66)


def test_bounce_returns_mail_to_its_sender_now(filled: Filled, cli: Cli) -> None:
    deferred = filled.id(filled.deferred)
    told = cli("bounce", "--domain", "example.net", "--reason", "the host is gone")
    assert f"1 recipient returned to their senders by {ME}: the host is gone." in told
    assert "<bob@example.net>" in told
    event = cli.json("show", deferred)["events"][-1]
    assert (event["event"], event["actor"], event["reason"]) == ("bounced", ME, "the host is gone")
    assert f"returned to its sender by {ME}: the host is gone" in cli("explain", deferred)
    (notice,) = cli.json("list", "--recipient", "alice@example.com")["entries"]
    assert (notice["sender"], notice["state"]) == ("", "scheduled")


def test_the_notice_of_a_bounce_says_why(
    filled: Filled, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def said(*arguments: str) -> bytes:
        assert run(["queue", *arguments, "--config", str(filled.config)]) == 0
        return capfdbinary.readouterr().out

    said("bounce", "--id", filled.id(filled.deferred), "--reason", "the host is gone")
    (notice,) = json.loads(said("list", "--recipient", "alice@example.com", "--json"))["entries"]
    content = said("show", notice["id"], "--content")
    assert b"Final-Recipient: rfc822; bob@example.net" in content
    assert b"Action: failed\r\nStatus: 5.0.0" in content
    assert b"by the administrator of the mail server: the host is gone" in b" ".join(
        content.split()
    )


def test_nobody_is_told_of_a_bounce_of_a_notice(filled: Filled, cli: Cli) -> None:
    assert cli.json("bounce", "--id", filled.id(filled.fresh))["count"] == 1  # its sender is <>
    assert cli.listed() == [filled.id(filled.deferred)]


def test_reroute_sends_mail_another_way(filled: Filled, cli: Cli) -> None:
    deferred = filled.id(filled.deferred)
    arguments = ["--id", deferred, "--to", "smtp://10.0.0.9:25", "--reason", "the host is gone"]
    assert "rerouted, and due now unless held" in cli("reroute", *arguments)
    (entry,) = cli.json("list", "--id", deferred)["entries"]
    assert (entry["via"], entry["domain"]) == ("smtp://10.0.0.9:25", "example.net")
    assert f"rerouted <bob@example.net> to smtp://10.0.0.9:25 by {ME}" in cli("show", deferred)
    text = cli("explain", deferred)
    assert "chosen by an operator (queue reroute): to the smart host smtp://10.0.0.9:25" in text
    assert f"because {ME} sent it another way" in text
    assert cli.json("reroute", "--id", deferred, "--to", "default")["count"] == 1
    assert "no [[route]] matches" in cli("explain", deferred)


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("10.0.0.9", "smtp://host:port"),
        ("smtp://", "host"),
        ("ses", "[ses]"),
        ("smtp://joe@relay.example:587", "in a [[route]] or [[smart_host]]"),
    ],
)
def test_a_way_that_leads_nowhere_is_refused(cli: Cli, way: str, told: str) -> None:
    assert told in cli("reroute", "--state", "scheduled", "--to", way, code=64)
    assert "--to" in cli("reroute", "--state", "scheduled", code=64)
    assert {each["via"] for each in cli.json("list")["entries"]} == {""}
