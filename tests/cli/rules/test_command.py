"""Mirrors angarium/cli/rules/command.py and rules_replay.py: what needs no running server."""

import gzip
import json
from pathlib import Path

import msgspec
import pytest

from angarium.cli.main import run
from angarium.cli.rules.command import _effect_text, _time_text
from angarium.insight.admin.rules import RuleNow
from angarium.queue import UnixMs
from angarium.service.platform.mail_record import MailRecord

HEAD = '[server]\nhostname = "mx1.sender.example"\ndata_dir = "data"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "angarium.toml"
    path.write_text(HEAD)
    return path


def line(ts: str, event: str, reply: str, code: int, **more: str) -> bytes:
    record = MailRecord(
        sequence=1,
        ts=ts,
        event=event,
        message="m",
        sender="a@sender.example",
        tenant="default",
        stream="default",
        code=code,
        reply=reply,
        source="ip1",
        provider="qq",
        **more,
    )
    return msgspec.json.encode(record) + b"\n"


def test_lint_says_what_is_dead_and_the_shipped_rules_are_not(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rules", "lint", "--config", str(config)]) == 0
    assert "none to look at" in capsys.readouterr().out
    file = config.with_name("mine.toml")
    file.write_text(
        '[[rule]]\nname = "early"\nmatch = "frequency limited"\nproviders = "qq"\n'
        '[[rule]]\nname = "late"\nmatch = "ip frequency limited"\nproviders = "qq"\ncount = 3\n'
    )
    assert run(["rules", "lint", str(file), "--json", "--config", str(config)]) == 78
    found = json.loads(capsys.readouterr().out)["findings"]
    # And the shipped one of the same words
    assert [(each["rule"], each["kind"]) for each in found] == [
        ("late", "shadowed"),
        ("qq-frequency", "shadowed"),
    ]
    file.write_text('[[rule]]\nname = "r"\nmatch = "4\\\\.7"\n')
    assert run(["rules", "lint", str(file), "--config", str(config)]) == 78
    assert "mine.toml:3: [rule] #1 match" in capsys.readouterr().err


def test_replay_reads_a_log_and_says_what_would_have_happened(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = config.with_name("mail.log.1.gz")
    lines = [
        line("2026-07-01T10:00:00.000Z", "bounced", "550 Ip frequency limited", 550),
        line("2026-07-01T10:00:01.000Z", "deferred", "550 Ip frequency limited", 550),
        line("2026-07-01T10:00:02.000Z", "deferred", "451 internal error", 451, stage="internal"),
        line("2026-07-01T10:00:03.000Z", "accepted", "", 0),
        b"not a line of ours\n",
        line("2026-07-01T12:00:00.000Z", "bounced", "550 5.1.1 no such user", 550),
    ]
    log.write_bytes(gzip.compress(b"".join(lines)))
    ask = ["rules", "replay", "--log", str(log), "--config", str(config)]
    assert run([*ask, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["replies"] == 3
    assert found["rules"] == [
        {"rule": "qq-frequency", "fitted": 2, "came_into_force": 1, "refusals_tried_again": 1}
    ]
    (came,) = found["came_into_force"]
    assert (came["scope"], came["since"]) == ("source ip1 at qq", "2026-07-01T10:00:00.000Z")
    assert came["ended"] == "2026-07-01T11:00:01.000Z"
    assert found["no_rule"] == [{"reply": "550 5.1.1 no such user", "count": 1}]
    file = config.with_name("mine.toml")
    file.write_text('[[rule]]\nname = "qq-frequency"\nenabled = false\n')
    assert run([*ask[:2], str(file), *ask[2:]]) == 0
    text = capsys.readouterr().out
    assert "2  550 Ip frequency limited" in text
    assert "qq-frequency" not in text


def test_replay_of_nothing_says_so(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = config.with_name("mail.log")
    log.write_bytes(b"")
    assert run(["rules", "replay", "--log", str(log), "--config", str(config)]) == 66
    assert "nothing in the log" in capsys.readouterr().err


def test_list_without_a_server_says_so(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "list", "--config", str(config)]) == 69
    assert "no server uses" in capsys.readouterr().err


def rule(action: str, **more: object) -> RuleNow:
    fields: dict[str, object] = {
        **dict.fromkeys(("until", "ends"), UnixMs(600_000)),
        "rule": "r",
        "scope": "source ip1 at p",
        "since": UnixMs(0),
        "reply": "x",
    }
    return RuleNow(action=action, replies=1, **{**fields, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (rule("suspend"), "suspends"),
        (rule("hold"), "holds"),
        (rule("throttle", allowed=1 / 60), "at most 1/min by"),
        (rule("throttle", allowed=2.5), "at most 2.5/s by"),
        (rule("connections", allowed=2.0, usual=10.0), "2 of 10 connections of"),
        (rule("reroute", pool="spare"), "sends by pool spare:"),
    ],
)
def test_an_effect_is_said_in_words(shown: RuleNow, text: str) -> None:
    assert _effect_text(shown) == text


def test_times_are_said_in_words() -> None:
    minute = 60_000
    assert "until it is undone" in _time_text(rule("hold", until=None, ends=None), minute)
    assert "9 min more" in _time_text(rule("suspend"), minute).replace("minutes", "min")
    assert "coming back in" in _time_text(rule("throttle", ends=UnixMs(900_000)), 11 * minute)
