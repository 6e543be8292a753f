"""Mirrors angarium/cli/feedback/parse.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from angarium.cli.exit import EX_NOINPUT
from angarium.cli.feedback import parse
from angarium.cli.main import run

MAILS = Path(__file__).parents[2] / "feedback/mails"


def rows(capsys: pytest.CaptureFixture[str], *paths: Path) -> list[dict[str, object]]:
    assert run(["feedback", "parse", "--json", *map(str, paths)]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_bounce_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    file = MAILS / "postfix-two.eml"
    (row,) = rows(capsys, file)
    recipients = row.pop("recipients")
    assert isinstance(recipients, list)
    assert row == {
        "file": str(file),
        "kind": "bounce",
        "feedback_type": None,
        "reference": "token-55",
    }
    assert recipients[0] == {
        "address": "ann@one.example",
        "action": "failed",
        "status": "5.1.1",
        "hard": True,
        "class": "user_unknown",
        "effect": "suppress",
    }


def test_an_unsubscribe_names_who_wrote_it(capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = rows(capsys, MAILS / "unsubscribe-subject.eml")
    recipients = row["recipients"]
    assert isinstance(recipients, list)
    assert row["kind"] == "unsubscribe"
    assert [(each["address"], each["effect"]) for each in recipients] == [
        ("joe@people.example", "suppress")
    ]


def test_files_come_in_the_order_given_and_a_folders_sorted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("b.eml", "a.eml", "c.eml"):
        (folder / name).write_bytes(b"Subject: x\n\n")
    os.mkfifo(folder / "pipe")
    last = tmp_path / "0.eml"
    last.write_bytes(b"")
    found = [row["file"] for row in rows(capsys, folder, last)]
    assert found == [*(str(folder / name) for name in ("a.eml", "b.eml", "c.eml")), str(last)]


def test_rubbish_has_an_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / os.fsdecode(b"\xff.eml")
    file.write_bytes(os.urandom(5000))
    (row,) = rows(capsys, file)
    assert (row["kind"], row["recipients"]) == ("ordinary", [])


def test_a_file_that_is_not_there_is_named_and_the_others_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing.eml"
    paths = [str(missing), str(MAILS / "domino.eml")]
    assert run(["feedback", "parse", "--json", *paths]) == EX_NOINPUT
    out, err = capsys.readouterr()
    assert str(missing) in err
    assert json.loads(out)["kind"] == "bounce"


def test_a_program_that_reads_it_gets_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["feedback", "parse", str(MAILS / "arf-abuse.eml")]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "arf"


def test_on_a_terminal_it_is_said_in_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parse, "is_terminal", lambda: True)
    file = MAILS / "arf-abuse.eml"
    assert run(["feedback", "parse", str(file)]) == 0
    assert capsys.readouterr().out == (
        f"{file}: a complaint (abuse)\n"
        "    user@isp.example  delivered (undetermined, suppress): feedback: abuse\n"
    )


def test_each_line_is_there_when_its_mail_is_done(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "angarium", "feedback", "parse", "--json"]
    with subprocess.Popen(
        [*command, str(MAILS / "domino.eml"), str(pipe)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["kind"] == "bounce"
        pipe.write_bytes(b"Subject: unsubscribe\nFrom: a@b.example\n\n")
        assert json.loads(process.stdout.readline())["kind"] == "unsubscribe"
        assert process.wait(30) == 0
