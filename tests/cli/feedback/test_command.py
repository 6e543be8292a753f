"""Mirrors angarium/cli/feedback/command.py and feedback_classify.py."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from angarium.cli.feedback import classify as feedback_classify
from angarium.cli.main import run


def answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *lines: bytes
) -> list[dict[str, object]]:
    file = tmp_path / "replies"
    file.write_bytes(b"\n".join(lines))
    assert run(["feedback", "classify", str(file)]) == 0
    return [json.loads(each) for each in capsys.readouterr().out.splitlines()]


def test_each_line_has_its_answer_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (b'{"reply": "550 5.1.1 User unknown"}', b'{"reply": "", "provider": null}')
    first, second = answers(tmp_path, capsys, *lines)
    assert first == {"class": "user_unknown", "effect": "suppress", "hard": True}
    assert second == {"class": "undetermined", "effect": "none", "hard": False}


@pytest.mark.parametrize(
    "line",
    [
        *(b"rubbish", b"", b"[1]", b"{}", b'{"reply": 5}', b'{"reply": "a", "provider": 1}'),
        *(b"\xff\xfe", b"[" * 100_000),
    ],
)
def test_a_line_that_cannot_be_read_has_an_answer_that_names_it(
    line: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third = answers(tmp_path, capsys, b'{"reply": "x"}', line, b'{"reply": "y"}')
    assert second["class"] == "undetermined"
    assert str(second["error"]).startswith("line 2: ")
    assert "error" not in first
    assert "error" not in third


def test_any_text_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answers(tmp_path, capsys, b'{"reply": "a\\ud800b"}', b'{"reply": "\\u0000\xff"}')
    assert [each.get("error") for each in found] == [None, None]


def test_a_line_without_an_end_is_not_held_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback_classify, "MAX_LINE_OCTETS", 100)
    long = json.dumps({"reply": "a" * 350}).encode()
    found = answers(tmp_path, capsys, long, b'{"reply": "x"}')
    assert [each.get("error") for each in found] == ["line 1: longer than 100 octets", None]


def test_an_answer_comes_before_the_next_question() -> None:
    command = [sys.executable, "-m", "angarium", "feedback", "classify"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            process.stdin.write(b'{"reply": "452 4.2.2 Mailbox full"}\n')
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["class"] == "mailbox_full"
        process.stdin.close()
        assert process.wait(30) == 0
