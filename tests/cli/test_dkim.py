"""Mirrors angarium/cli/dkim.py."""

import json
import stat
from pathlib import Path
from time import time

import pytest
from click.testing import CliRunner, Result

from angarium.cli.dkim import dkim
from angarium.config.schema import Dkim
from angarium.dkim import KeyRing, Signer, SigningKey, load_private_key
from angarium.queue.model import UnixMs

CONTENT = b"From: a@example.com\r\n\r\nbody\r\n"


def run(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(dkim, [str(each) for each in arguments], input=stdin)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    made = run("keygen", "--domain", "example.com", "--selector", "s1", "--out", path)
    assert made.exit_code == 0, made.output
    return path


def signed(key_file: Path) -> bytes:
    key = SigningKey(domain="example.com", selector="s1", private=load_private_key(key_file))
    now = UnixMs(int(time() * 1000))
    return Signer(KeyRing([key]), Dkim()).sign(CONTENT, 23, "example.com", now) + CONTENT


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_keygen_writes_a_private_file_and_prints_its_record(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "k.pem"
    arguments = ("keygen", "--domain", "Example.com", "--selector", "s1", "--type", kind)
    made = run(*arguments, "--out", path)
    assert made.exit_code == 0
    assert 's1._domainkey.example.com. 3600 IN TXT ( "v=DKIM1; k=' + kind in made.output
    assert f'file = "{path}"' in made.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = run(*arguments, "--out", path)
    assert again.exit_code == 73
    assert "exists already" in again.output


def test_keygen_refuses_a_domain_that_is_none(tmp_path: Path) -> None:
    bad = run("keygen", "--domain", "a;b", "--selector", "s1", "--out", tmp_path / "k")
    assert bad.exit_code == 64
    assert not list(tmp_path.iterdir())


def test_dns_prints_the_records_of_the_configured_keys(key_file: Path) -> None:
    config = key_file.with_name("angarium.toml")
    config.write_text(
        '[server]\nhostname = "mx.example.com"\n[dkim]\n'
        'keys = [{ domain = "example.com", selector = "s1", file = "key.pem" }]\n'
    )
    assert run("dns", "--config", config).output.startswith("s1._domainkey.example.com. ")
    [record] = json.loads(run("dns", "--config", config, "--json").output)
    assert record["name"] == "s1._domainkey.example.com"
    assert "".join(record["strings"]) == record["record"]
    key_file.chmod(0o644)
    refused = run("dns", "--config", config)
    assert refused.exit_code == 78
    assert "key.pem" in refused.output


def test_dns_says_when_no_key_is_configured(tmp_path: Path) -> None:
    config = tmp_path / "angarium.toml"
    config.write_text('[server]\nhostname = "mx1.example.com"\n')
    refused = run("dns", "--config", config)
    assert refused.exit_code == 78
    assert "no key in [dkim]" in refused.output


def test_dns_prints_the_record_of_one_file(key_file: Path) -> None:
    named = ("--domain", "example.net", "--selector", "x")
    assert run("dns", "--key-file", key_file, *named).output.startswith("x._domainkey.example.net.")
    assert run("dns", "--key-file", key_file).exit_code == 64
    assert run("dns", "--key-file", key_file.with_name("absent"), *named).exit_code == 66


def test_verify_judges_a_file_and_standard_input(key_file: Path) -> None:
    message = key_file.with_name("message")
    message.write_bytes(signed(key_file))
    good = run("verify", message, "--key-file", key_file)
    assert (good.exit_code, good.output) == (0, "pass s1._domainkey.example.com rsa-sha256\n")
    [result] = json.loads(run("verify", message, "--key-file", key_file, "--json").output)
    assert result["status"] == "pass"
    changed = signed(key_file).replace(b"body", b"Body")
    bad = run("verify", "-", "--key-file", key_file, stdin=changed)
    assert bad.exit_code == 65
    assert bad.output.startswith("fail s1._domainkey.example.com rsa-sha256 body hash mismatch")


def test_verify_says_when_nothing_is_signed(key_file: Path) -> None:
    unsigned = run("verify", "-", "--key-file", key_file, stdin=CONTENT)
    assert (unsigned.exit_code, unsigned.output) == (65, "not signed\n")


def test_verify_refuses_what_it_cannot_use(key_file: Path) -> None:
    absent = key_file.with_name("absent")
    assert run("verify", "-", "--key-file", absent, stdin=CONTENT).exit_code == 66
    assert run("verify", "-", "--nameserver", "name:53", stdin=CONTENT).exit_code == 64
    both = ("--nameserver", "127.0.0.1:53", "--key-file", key_file)
    assert run("verify", "-", *both, stdin=CONTENT).exit_code == 64
