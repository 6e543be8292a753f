"""Mirrors angarium/cli/main.py: the frame, exit codes, and how quick the start is."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from angarium.cli.main import COMMANDS, run

TOP = Path(__file__).parents[2]


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version"]) == 0
    assert capsys.readouterr().out.startswith("Angarium 0.")


def test_help_lists_every_command_and_imports_none() -> None:
    code = (
        "import sys\nfrom angarium.cli.main import run\nrun(['--help'])\n"
        "heavy = {'lmdb', 'aiohttp', 'dns', 'cryptography', 'prometheus_client', 'rich', 'uvloop'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=TOP, check=True, capture_output=True, text=True
    )
    for command in COMMANDS:
        assert f"  {command}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 64),
        (["nonsense"], 64),
        (["serve", "--nonsense"], 64),
        (["serve", "--config", "/nonexistent/angarium.toml"], 78),
        (["queue", "list", "--config", "/nonexistent/angarium.toml"], 78),
        (["--help"], 0),
        (["queue", "--help"], 0),
    ],
)
def test_exit_codes_are_those_of_sysexits(arguments: list[str], code: int) -> None:
    assert run(arguments) == code


def test_a_broken_configuration_is_said_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.toml"
    file.write_text('[server]\nhostnam = "x"\n')
    assert run(["--config", str(file), "check"]) == 78
    output = capsys.readouterr()
    assert f"{file}:2: [server] hostnam: unknown key" in output.out
    assert "Traceback" not in output.out + output.err


def test_the_configuration_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANGARIUM_CONFIG", str(tmp_path / "here.toml"))
    assert run(["serve"]) == 78
    assert "here.toml: cannot be read" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody who may not read it")
def test_a_configuration_that_may_not_be_read_is_no_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own directories are closed to others
        Path(name).chmod(0o755)
        file = Path(name, "angarium.toml")
        assert run(["check", "--config", str(file)]) == 78  # and all is imported
        file.touch(0o600)
        os.seteuid(64_123)
        try:
            assert run(["check", "--config", str(file)]) == 78
        finally:
            os.seteuid(0)
    assert f"{file}: closed to uid 64123" in capsys.readouterr().out


def test_a_shell_completes_commands_as_the_document_says() -> None:
    environment = os.environ | {
        "_POSTMASTER_COMPLETE": "bash_complete",
        "COMP_WORDS": "postmaster queue su",
        "COMP_CWORD": "2",
    }
    command = [sys.executable, "-m", "angarium"]
    done = subprocess.run(
        command, capture_output=True, cwd=TOP, env=environment, timeout=30, check=True, text=True
    )
    assert done.stdout == "plain,summary\n"
    document = (TOP / "docs" / "operations.md").read_text(encoding="utf-8")
    assert "_POSTMASTER_COMPLETE=bash_source postmaster" in document
