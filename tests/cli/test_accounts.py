"""Mirrors angarium/cli/account.py, audit.py and new_password.py."""

import io
import json
from pathlib import Path
from typing import Any

import pyotp
import pytest

from angarium.cli.exit import EX_DATAERR, EX_NOINPUT, EX_USAGE
from tests.cli.test_tenancy import Shell


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have a password on stdin."""

    def type_(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{text}\n".encode())))

    type_("correct horse battery")
    return type_


def test_an_account_is_added_shown_and_given_another_role(shell: Shell, typed: Any) -> None:
    made = shell.json("account add Ann@Example.com --role owner --password-stdin")
    assert (made["name"], made["roles"]) == (
        "ann@example.com",
        [{"tenant": "default", "role": "owner"}],
    )
    assert shell.json("account show ann@example.com") == made
    assert shell.lines("account list") == [made]
    shell.run("tenant create shop")
    changed = shell.json("account role ann@example.com analyst --tenant shop")
    assert {"tenant": "shop", "role": "analyst"} in changed["roles"]
    assert "owner of default, analyst of shop" in shell.run("account list")
    shell.run("account role ann@example.com none")
    assert shell.lines("account list --tenant default") == []
    assert "'king'" in shell.run("account role ann@example.com king", EX_USAGE)
    assert "no account 'bob'" in shell.run("account show bob", EX_NOINPUT)
    assert "horse" not in shell.run("audit list --json")


def test_what_is_wrong_with_a_new_account_is_said(shell: Shell, typed: Any) -> None:
    typed("short")
    text = shell.run("account add ann --role owner --password-stdin", EX_DATAERR)
    assert "12 characters" in text
    assert shell.run("account list") == "No accounts.\n"


def test_one_time_codes_are_shown_once(shell: Shell, typed: Any) -> None:
    shell.json("account add ann --role owner --password-stdin")
    made = shell.json("account totp ann")
    assert pyotp.parse_uri(made["uri"]).secret == made["secret"]  # type: ignore[union-attr]
    assert len(made["codes"]) == 10
    shown = shell.json("account show ann")
    assert (shown["totp"], shown["recovery_codes"]) == (True, 10)
    assert made["secret"] not in json.dumps(shown)
    assert shell.json("account totp ann --off")["totp"] is False
    text = shell.run("account totp ann")
    assert "otpauth://totp/Angarium:ann?secret=" in text


def test_an_account_is_disabled_and_removed(shell: Shell, typed: Any) -> None:
    shell.json("account add ann --role owner --password-stdin")
    assert shell.json("account disable ann")["disabled"]
    assert shell.json("account enable ann")["disabled"] is None
    typed("another good password")
    shell.run("account password ann --password-stdin")
    assert "--yes" in shell.run("account remove ann", EX_USAGE)
    assert shell.json("account remove ann --yes")["status"] == "removed"
    actions = [each["action"] for each in shell.lines("audit list")]
    assert actions == [
        "account.removed",
        "account.password_set",
        "account.enabled",
        "account.disabled",
        "account.added",
    ]


def test_the_audit_is_listed_by_tenant_time_and_number(shell: Shell) -> None:
    for name in ("shop", "mill"):
        shell.run(f"tenant create {name}")
        shell.run(f"domain add {name}.example --tenant {name}")
    entries = shell.lines("audit list --tenant shop")
    assert (entries[0]["action"], entries[0]["subject"]) == ("domain.added", "shop.example")
    assert {each["tenant"] for each in entries} == {"shop"}
    assert len(shell.lines("audit list --limit 3")) == 3
    assert len(shell.lines("audit list --since 1h")) == 4
    assert shell.run("audit list --since 2100-01-01") == ""
    assert "domain.added  mill.example  tenant mill  by " in shell.run("audit list")
