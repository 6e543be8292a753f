"""Mirrors angarium/simulator/demo/view.py."""

import importlib.util
import re
import subprocess
import sys

import pytest
from rich.console import Console

from angarium.simulator.demo.plan import TEMPERS
from angarium.simulator.demo.verdict import VerdictLine
from angarium.simulator.demo.view import View, guide, show_findings
from tests.simulator.demo.test_ledger import line
from tests.simulator.demo.test_verdict import Run

GUIDE = guide(
    "postmaster", "/tmp/a.toml", "http://127.0.0.1:1", "01.0", "http://127.0.0.1:2"
).splitlines()
COMMANDS = [each.split()[1:] for each in GUIDE if each.startswith("  postmaster ")]


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_shows_each_providers_numbers_and_last_reply(width: int) -> None:
    run = Run()
    run.ledger.read(
        line("deferred", "friend1@cedar.example", code=421, reply="421 4.7.0 [TSS04] [x")
    )
    console = Console(width=width, record=True)
    with console.capture() as capture:
        View(console, run.ledger, run.net).show_table(1.5)
    rows = capture.get().splitlines()
    for provider in TEMPERS:
        assert any(row.strip().startswith(provider) for row in rows)
    (cedar,) = (row for row in rows if row.strip().startswith("cedar"))
    assert re.search(r"60 +60 +1 +\. +\. +421 4\.7\.0 \[T", cedar)
    assert any("sent 405   delivered 373   deferred 17   bounced 16" in row for row in rows)


def test_a_plain_line_comes_every_two_seconds_and_then_only_with_news() -> None:
    run = Run()
    console = Console(width=200)
    view = View(console, run.ledger, run.net)
    with console.capture() as capture, view.running():
        for tick in range(50):
            view.update(tick / 10)
    assert len(capture.get().splitlines()) == 2
    with console.capture() as capture:
        view.update_finals(6.0)
        view.update_finals(6.2)
        run.ledger.read(line("delivered", "away1@hazel.example"))
        view.update_finals(6.4)
        view.update_finals(6.6)
    assert len(capture.get().splitlines()) == 1


def test_findings_are_shown_with_their_examples_and_without_markup() -> None:
    console = Console(width=200)
    with console.capture() as capture:
        show_findings(
            console, [VerdictLine(True, "good"), VerdictLine(False, "bad: 1", ("[bold]x",))]
        )
    assert capture.get() == "ok   good\nFAIL bad: 1\n       [bold]x\n"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_of_the_guide_exists_with_its_options(command: list[str]) -> None:
    if importlib.util.find_spec(f"angarium.cli.{command[0]}") is None:
        pytest.skip(f"there is no postmaster {command[0]} yet")
    words = [each for each in command[:2] if not each.startswith("-")]
    result = subprocess.run(
        [sys.executable, "-m", "angarium", *words, "--help"],
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    for option in (each for each in command if each.startswith("--")):
        assert option.encode() in result.stdout
