"""Mirrors angarium/cli/content."""

import json
from pathlib import Path

import pytest

from angarium.cli.content.reference import render
from angarium.cli.exit import EX_DATAERR, EX_NOINPUT, EX_OK
from angarium.cli.main import run

GOOD = b"""From: Shop <news@shop.example>
To: a@b.test
Subject: Your order is on its way

It has left our warehouse today.
"""
BAD = GOOD.replace(b"It has", b"Dear {{ name }}, it has").replace(b"Shop <news", b"Shop <no-reply")


def test_a_good_message_is_told_to_be_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.eml").write_bytes(GOOD)
    assert run(["content", "check", str(tmp_path / "a.eml")]) == EX_OK
    said = capsys.readouterr().out
    assert said == f"{tmp_path}/a.eml: 0 to mend, 0 to look at; spam score 0 of 5: good\n"


def test_what_is_wrong_is_told_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b.eml").write_bytes(BAD)
    assert run(["content", "check", str(tmp_path / "b.eml")]) == EX_DATAERR
    first, detail, second, _, last = capsys.readouterr().out.splitlines()
    assert first.startswith("BLOCK  variable_left ")
    assert "bodyText: a variable of a template was not filled: fill it" in first
    assert detail.strip() == "{{ name }}"
    assert second.startswith("hint   from_no_reply ")
    assert last.endswith("1 to mend, 1 to look at; spam score 0.5 of 5: good")


def test_programs_get_an_object_for_each_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.eml").write_bytes(GOOD)
    names = [str(tmp_path / each) for each in ("a.eml", "none.eml")]
    assert run(["content", "check", "--json", "--bulk", *names]) == EX_NOINPUT
    said = capsys.readouterr()
    (row,) = [json.loads(line) for line in said.out.splitlines()]
    assert row["blocked"]
    assert {each["code"] for each in row["findings"]} == {
        "unsubscribe_header_missing",
        "unsubscribe_link_missing",
        "postal_address_missing",
    }
    assert row["score"] == {"points": 3.3, "likely": 5.0, "judgement": "suspicious"}
    assert "none.eml: No such file" in said.err


def test_the_page_of_findings_is_current() -> None:
    page = Path(__file__).parents[3] / "docs" / "findings.md"
    message = "make it anew: python -m angarium.cli.content.reference docs/findings.md"
    assert page.read_text(encoding="utf-8") == render(), message
