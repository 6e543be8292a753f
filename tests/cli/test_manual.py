"""Mirrors angarium/cli/manual.py. It runs on its own: click keeps what other tests' calls made of a help option."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from angarium.cli.main import COMMANDS

PAGES = Path(__file__).parents[2] / "docs" / "man"


def test_the_pages_are_current(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "angarium.cli.manual", str(tmp_path)]
    subprocess.run(command, check=True, timeout=30, cwd=PAGES.parents[1])
    made = {each.name: each.read_text(encoding="utf-8") for each in tmp_path.iterdir()}
    kept = {each.name: each.read_text(encoding="utf-8") for each in PAGES.iterdir()}
    assert made == kept, "make them anew: python -m angarium.cli.manual docs/man"


def test_each_command_has_its_page() -> None:
    for name in COMMANDS:
        text = (PAGES / f"postmaster-{name}.8").read_text(encoding="utf-8")
        assert text.startswith(f'.TH "POSTMASTER-{name.upper()}" "8"')
        assert ".SH SYNOPSIS" in text
    assert (PAGES / "postmaster-queue-rules-remove.8").exists()


@pytest.mark.skipif(shutil.which("man") is None, reason="no man here")
def test_a_page_is_read_without_a_warning() -> None:
    command = ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]
    for page in sorted(PAGES.iterdir())[:5]:
        done = subprocess.run(
            [*command, str(page)], capture_output=True, check=True, timeout=30, text=True
        )
        assert done.stderr == ""
