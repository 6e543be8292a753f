"""Mirrors angarium/cli/reference.py. It runs on its own: click keeps what other tests' calls made of a help option."""

import os
import subprocess
import sys
from pathlib import Path

from angarium.cli.main import COMMANDS

DOCUMENT = Path(__file__).parents[2] / "docs" / "cli.md"


def render(tmp_path: Path, **environment: str) -> str:
    file = tmp_path / "cli.md"
    command = [sys.executable, "-m", "angarium.cli.reference", str(file)]
    top = DOCUMENT.parents[1]
    subprocess.run(command, check=True, timeout=30, cwd=top, env=os.environ | environment)
    return file.read_text(encoding="utf-8")


def test_the_document_is_current(tmp_path: Path) -> None:
    message = "make it anew: python -m angarium.cli.reference docs/cli.md"
    assert DOCUMENT.read_text(encoding="utf-8") == render(tmp_path), message


def test_the_terminal_of_who_makes_it_does_not_matter(tmp_path: Path) -> None:
    assert render(tmp_path, COLUMNS="40") == render(tmp_path, COLUMNS="200")


def test_each_command_has_its_section() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"\n## `postmaster {name}`\n" in text
    assert "\n## `postmaster queue explain`\n" in text
