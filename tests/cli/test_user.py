"""Mirrors angarium/cli/user.py."""

import json
from pathlib import Path

import argon2
import pytest
from click.testing import CliRunner, Result

from angarium.access.credential_file import credential_path, find_user
from angarium.cli.exit import EX_CONFIG, EX_DATAERR, EX_IOERR, EX_NOINPUT, EX_USAGE
from angarium.cli.user import user


class Shell:
    def __init__(self, directory: Path) -> None:
        self.config = directory / "angarium.toml"
        data_dir = directory / "data"
        self.config.write_text(f'[server]\nhostname = "mx.example.com"\ndata_dir = "{data_dir}"\n')
        self.file = credential_path(data_dir)

    def run(self, *words: str, stdin: str | bytes | None = None) -> Result:
        args = [*words, "--config", str(self.config)]
        return CliRunner().invoke(user, args, input=stdin, catch_exceptions=False)

    def add(self, name: str = "joe", *more: str) -> Result:
        return self.run(
            "add", name, "--senders", "@a.example", "--password-stdin", *more, stdin="secret\n"
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def verify(shell: Shell, name: str, password: str) -> bool:
    return argon2.PasswordHasher().verify(find_user(shell.file, name).hash, password)


def test_a_user_is_added_listed_changed_and_removed(shell: Shell) -> None:
    assert shell.run("list").output == "No users.\n"
    assert shell.add("joe", "--senders", "j@b.example", "--tenant", "t1").exit_code == 0
    assert verify(shell, "joe", "secret")
    listed = json.loads(shell.run("list", "--json").output)
    created = listed.pop("created")
    assert created.endswith("+00:00")
    assert listed == {"name": "joe", "tenant": "t1", "senders": ["@a.example", "j@b.example"]}
    assert shell.run("list").output == f"joe  t1  {created}  @a.example, j@b.example\n"
    assert shell.run("passwd", "joe", "--password-stdin", stdin="n\u00e9w\r\n").exit_code == 0
    assert verify(shell, "joe", "n\u00e9w")
    assert "Would remove joe" in shell.run("remove", "joe", "--dry-run").output
    assert find_user(shell.file, "joe")
    assert shell.run("remove", "joe").exit_code == 0
    assert shell.run("list", "--json").output == ""


def test_the_password_is_asked_for_twice(shell: Shell) -> None:
    result = shell.run("add", "joe", "--senders", "*", stdin="one\ntwo\nthree\nthree\n")
    assert result.exit_code == 0
    assert "one" not in result.output
    assert verify(shell, "joe", "three")


@pytest.mark.parametrize(
    ("words", "stdin", "code", "text"),
    [
        (
            ["add", "joe", "--senders", "x"],
            "",
            EX_USAGE,
            "is not *, @domain, @*.domain or user@domain",
        ),
        (["add", "joe", "--senders", "*@a.example"], "", EX_USAGE, "write '@a.example'"),
        (["add", "", "--senders", "*"], "", EX_USAGE, "a user's name"),
        (["add", "joe", "--senders", "*", "--tenant", "a b"], "", EX_USAGE, "a tenant is"),
        (["add", "joe", "--senders", "*", "--password-stdin"], "\n", EX_USAGE, "is empty"),
        (["add", "joe", "--senders", "*", "--password-stdin"], b"\xff\n", EX_DATAERR, "UTF-8"),
        (["passwd", "joe", "--password-stdin"], "x\n", EX_NOINPUT, "no user 'joe'"),
        (["set", "joe", "--tenant", "t"], "", EX_NOINPUT, "no user 'joe'"),
        (["set", "joe"], "", EX_USAGE, "give --senders, --tenant or --stream"),
        (["set", "joe", "--tenant", "a b"], "", EX_USAGE, "a tenant is"),
        (["set", "joe", "--tenant", ""], "", EX_USAGE, "a tenant is"),
        (
            ["set", "joe", "--senders", "x"],
            "",
            EX_USAGE,
            "is not *, @domain, @*.domain or user@domain",
        ),
        (["remove", "joe"], "", EX_NOINPUT, "no user 'joe'"),
        (["remove", "joe", "--dry-run"], "", EX_NOINPUT, "no user 'joe'"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_exit_code(
    shell: Shell, words: list[str], stdin: str | bytes, code: int, text: str
) -> None:
    result = shell.run(*words, stdin=stdin)
    assert (result.exit_code, text in result.output) == (code, True), result.output
    assert not shell.file.exists()


def test_a_user_is_not_added_twice(shell: Shell) -> None:
    shell.add()
    result = shell.add()
    assert result.exit_code == EX_DATAERR
    assert "exists already" in result.output


def test_senders_and_tenant_can_be_changed_alone(shell: Shell) -> None:
    shell.add("joe", "--tenant", "t1")
    shell.add("ann")
    before = find_user(shell.file, "joe")
    result = shell.run("set", "joe", "--senders", "@b.example", "--senders", "j@c.example")
    assert result.output == "Changed joe: may send as @b.example, j@c.example, tenant t1.\n"
    assert "tenant t2" in shell.run("set", "joe", "--tenant", "t2").output
    now = find_user(shell.file, "joe")
    assert (now.senders, now.tenant) == (("@b.example", "j@c.example"), "t2")
    assert (now.hash, now.created) == (before.hash, before.created)
    assert find_user(shell.file, "ann").senders == ("@a.example",)


def test_a_user_has_a_stream_and_others_that_it_may_choose(shell: Shell) -> None:
    shell.config.write_text(shell.config.read_text() + '[[stream]]\nname = "invoices"\n')
    shell.add("joe", "--stream", "invoices", "--other-stream", "bulk")
    user = find_user(shell.file, "joe")
    assert (user.stream, user.other_streams) == ("invoices", ("bulk",))
    assert "stream invoices (or bulk)" in shell.run("list").output
    shown = json.loads(shell.run("list", "--json").output)
    assert (shown["stream"], shown["other_streams"]) == ("invoices", ["bulk"])
    shell.run("set", "joe", "--tenant", "t2")
    assert find_user(shell.file, "joe").stream == "invoices"
    assert ", stream bulk.\n" in shell.run("set", "joe", "--stream", "bulk").output
    assert find_user(shell.file, "joe").other_streams == ()
    shell.run("set", "joe", "--stream", "")
    assert find_user(shell.file, "joe").stream == ""


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ["--stream", "nope"],
            "no stream is called 'nope'; there are bulk, default, transactional",
        ),
        (["--stream", "bulk", "--other-stream", "nope"], "no stream is called 'nope'"),
        (["--stream", "a b"], "a stream is 1 to 64"),
        (["--other-stream", "bulk"], "--stream"),
        (["--stream", "", "--other-stream", "bulk"], "who has no stream may choose any"),
    ],
)
def test_a_stream_that_cannot_be_is_refused(shell: Shell, words: list[str], text: str) -> None:
    shell.add()
    before = shell.file.read_bytes()
    result = shell.run("set", "joe", *words)
    assert (result.exit_code, text in result.output) == (EX_USAGE, True), result.output
    assert shell.file.read_bytes() == before


def test_users_are_reached_while_the_configuration_has_a_mistake(shell: Shell) -> None:
    shell.add()
    shell.config.write_text(shell.config.read_text() + "[queue]\nevent_limit = x\n")
    result = shell.run("list")
    assert (result.exit_code, "joe" in result.output) == (0, True)
    assert "angarium.toml:5:" in result.output
    assert f"going on with the data directory {shell.file.parent}" in result.output


def test_senders_must_be_named(shell: Shell) -> None:
    assert "--senders" in shell.run("add", "joe").output


def test_a_broken_configuration_or_file_is_named(shell: Shell) -> None:
    shell.add()
    shell.file.chmod(0o644)
    result = shell.run("list")
    assert (result.exit_code, "0600" in result.output) == (EX_IOERR, True)
    shell.config.write_text("nonsense")
    assert shell.run("list").exit_code == EX_CONFIG
