"""Mirrors angarium/cli/reference.py."""

from pathlib import Path

import pytest

from angarium.cli.main import COMMANDS
from angarium.cli.reference import render

DOCUMENT = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_document_is_current() -> None:
    message = "make it anew: python -m angarium.cli.reference docs/cli.md"
    assert DOCUMENT.read_text(encoding="utf-8") == render(), message


def test_each_command_has_its_section() -> None:
    text = render()
    for name in COMMANDS:
        assert f"\n## `postmaster {name}`\n" in text
    assert "\n## `postmaster queue explain`\n" in text


def test_the_terminal_of_who_makes_it_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    before = render()
    monkeypatch.setenv("COLUMNS", "40")
    assert render() == before
