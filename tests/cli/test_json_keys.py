"""The command line's JSON has one style of keys: snake_case. camelCase is the HTTP API's."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from angarium.cli.main import run
from tests.cli.queue.test_command import Filled

# As AWS's own programs call them, which are told to copy them
OF_AWS = {"accessKeyId", "secretAccessKey"}
CLI = Path(__file__).parents[2] / "angarium" / "cli"
SNAKE_CASE = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")
# Keys that are values: names of age columns
VALUES = re.compile("[0-9]+[mhd]")


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for each in value:
            yield from keys(each)


def odd(found: Iterator[str]) -> list[str]:
    return [each for each in found if not (SNAKE_CASE.fullmatch(each) or VALUES.fullmatch(each))]


@pytest.fixture
def filled(tmp_path: Path) -> Filled:
    return Filled(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        *(["queue", "list"], ["queue", "summary", "--by", "age"], ["queue", "rules"], ["log"]),
        *(["queue", "show", "DEFERRED"], ["queue", "explain", "DEFERRED"]),
        *(["queue", act, "--id", "DEFERRED"] for act in ("hold", "retry", "cancel", "bounce")),
        *(["queue", "hold", "--tenant", "shop", "--rule"], ["queue", "compact", "--dry-run"]),
        ["check", "--no-network"],
    ],
    ids=" ".join,
)
def test_what_a_command_prints_has_snake_case_keys(
    filled: Filled, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    whole = [filled.id(filled.deferred) if each == "DEFERRED" else each for each in arguments]
    run([*whole, "--json", "--config", str(filled.config)])
    lines = [each for each in capsys.readouterr().out.splitlines() if each]
    found = [key for line in lines for key in keys(json.loads(line))]
    assert found
    assert odd(iter(found)) == []


def test_no_command_writes_another_style() -> None:
    """Of commands that ask a running server, too: by their source."""
    written = [
        (file.name, key.value)
        for file in CLI.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    ]
    assert [
        each for each in written if re.fullmatch("[a-z]+[A-Z].*", each[1]) and each[1] not in OF_AWS
    ] == []
