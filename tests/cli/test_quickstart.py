"""``postmaster quickstart``: what it writes can be started, and what it prints can be published."""

import json
import os
import socket
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from angarium.access.credential_file import credential_path, list_users
from angarium.cli import quickstart as module
from angarium.cli.exit import EX_CANTCREAT, EX_USAGE
from angarium.cli.quickstart import quickstart
from angarium.cli.quickstart_files import PRIVILEGED, UNPRIVILEGED, Answers, configuration
from angarium.config.loader import load, parse
from angarium.host.identity import Identity
from angarium.sendmail.settings import read_settings


@pytest.fixture
def unprivileged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(quickstart, [*arguments], standalone_mode=False)
    found = getattr(result.exception, "exit_code", 0 if result.exception is None else None)
    assert found == code, result.exception
    return result


@pytest.mark.usefixtures("unprivileged")
def test_what_it_writes_is_a_whole_configuration(tmp_path: Path) -> None:
    file = tmp_path / "etc" / "angarium.toml"
    result = run("Example.COM.", "--address", "192.0.2.10", "-c", str(file), "--json")
    done = json.loads(result.output)
    config = load(file)
    assert config.server.hostname == "mx1.example.com"
    assert [each.domain for each in config.dkim.keys] == ["example.com"] * 2
    for key in config.dkim.keys:
        assert stat.S_IMODE(Path(key.file).stat().st_mode) == 0o600  # P8
    (user,) = list_users(credential_path(config.server.data_dir))
    assert (user.name, user.senders) == ("example", ("@example.com",))
    assert len(done["password"]) >= 24
    assert sorted(done["written"]) == sorted(
        str(each) for each in file.parent.rglob("*") if each.is_file() and "data" not in each.parts
    )
    assert read_settings(str(file.parent / "sendmail.toml")).server == "127.0.0.1:2525"


@pytest.mark.usefixtures("unprivileged")
def test_all_records_are_printed_ready_to_paste(tmp_path: Path) -> None:
    addresses = ("--address", "192.0.2.10", "--address", "2001:db8::25")
    file = str(tmp_path / "angarium.toml")
    lines = run("example.com", *addresses, "--hostname", "mail.example.com", "-c", file).output
    for line in (
        "mail.example.com. 3600 IN A 192.0.2.10",
        "mail.example.com. 3600 IN AAAA 2001:db8::25",
        "10.2.0.192.in-addr.arpa. 3600 IN PTR mail.example.com.",
        '"v=spf1 ip4:192.0.2.10 ip6:2001:db8::25 -all"',
        "s1._domainkey.example.com. 3600 IN TXT",
        "s2._domainkey.example.com. 3600 IN TXT",
        "_dmarc.example.com. 3600 IN TXT",
    ):
        assert line in lines


@pytest.mark.usefixtures("unprivileged")
def test_a_second_run_keeps_everything_and_prints_the_same_records(tmp_path: Path) -> None:
    file = tmp_path / "angarium.toml"
    arguments = ("example.com", "--address", "192.0.2.10", "-c", str(file), "--json")
    first = json.loads(run(*arguments).output)
    before = {each: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()}
    second = json.loads(run(*arguments).output)
    assert second["records"] == first["records"]
    assert second["written"] == []
    assert second.get("password") is None
    assert before == {each: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()}


@pytest.mark.usefixtures("unprivileged")
def test_a_run_that_ended_early_is_ended_by_the_next(tmp_path: Path) -> None:
    file = tmp_path / "angarium.toml"
    run("example.com", "-c", str(file))
    key = (tmp_path / "keys" / "example.com.s1.pem").read_bytes()
    file.unlink()
    done = json.loads(run("example.com", "-c", str(file), "--json").output)
    assert done["written"] == [str(file)]
    assert (tmp_path / "keys" / "example.com.s1.pem").read_bytes() == key


@pytest.mark.usefixtures("unprivileged")
def test_another_domain_s_configuration_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "angarium.toml"
    run("example.com", "-c", str(file))
    result = run("example.org", "-c", str(file), code=EX_CANTCREAT)
    assert "dkim keygen" in str(result.exception)


@pytest.mark.usefixtures("unprivileged")
@pytest.mark.parametrize(
    "arguments",
    [
        ("nodots",),
        ("exa mple.com",),
        ("",),
        ("a.test", "--address", "mx1"),
        ("a.test", "--hostname", "x"),
    ],
)
def test_bad_arguments_write_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    run(*arguments, "-c", str(tmp_path / "angarium.toml"), code=EX_USAGE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("unprivileged")
def test_a_domain_in_its_own_script_becomes_a_labels(tmp_path: Path) -> None:
    file = tmp_path / "angarium.toml"
    run("b\u00fccher.example", "-c", str(file))
    assert load(file).dkim.keys[0].domain == "xn--bcher-kva.example"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_gives_secrets_to_the_server_s_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o755)
    for each in tmp_path.parents[:3]:
        each.chmod(0o755)
    nobody = Identity(uid=65534, gid=65534, groups=(65534,))
    monkeypatch.setattr(module, "find_identity", lambda _: nobody)
    monkeypatch.setattr(module, "DATA_DIR", str(tmp_path / "var"))
    file = tmp_path / "etc" / "angarium.toml"
    run("example.com", "-c", str(file))
    config = load(file)
    assert config.server.user == "angarium"
    for path in (
        *(Path(each.file) for each in config.dkim.keys),
        credential_path(config.server.data_dir),
    ):
        assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (65534, 0o600)
    assert (file.stat().st_uid, stat.S_IMODE(file.stat().st_mode)) == (0, 0o644)
    assert stat.S_IMODE((file.parent / "sendmail.toml").stat().st_mode) == 0o644


@pytest.mark.parametrize("ports", [PRIVILEGED, UNPRIVILEGED])
def test_the_text_is_valid_for_both_kinds_of_user(ports: object) -> None:
    answers = Answers(
        domain="a.test",
        hostname="mx1.a.test",
        data_dir="/d",
        user="u",
        key_files=[],
        ports=ports,  # type: ignore[arg-type]
    )
    assert parse(configuration(answers), Path("/x/angarium.toml")).server.user == "u"


def test_own_addresses_are_public_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    class Probe:
        def __init__(self, family: int, _: int) -> None:
            self.address = "8.8.8.8" if family == socket.AF_INET else "fe80::1"

        def __enter__(self) -> "Probe":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def connect(self, _: object) -> None:
            pass

        def getsockname(self) -> tuple[str, int]:
            return (self.address, 1)

    monkeypatch.setattr(socket, "socket", Probe)
    assert module._own_addresses() == ("8.8.8.8",)
