"""Mirrors angarium/cli/check.py and its parts. Nothing here asks DNS but a scripted server on loopback."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import argon2
import pytest

from angarium.access.credential_file import add_user, credential_path
from angarium.cli.main import run
from angarium.dkim.keygen import generate, record_text, write_private_key
from angarium.insight.dns_records import PublishedKey, wanted_records
from tests.cli.certificate import write_certificate
from tests.e2e.nameserver import NSD, Nameserver


def write_config(tmp_path: Path, more: str = "", server: str = "") -> Path:
    file = tmp_path / "angarium.toml"
    text = f'[server]\nhostname = "mx1.example.com"\ndata_dir = "data"\n{server}\n{more}\n'
    file.write_text(text + "[queue]\nmin_free_octets = 1\n")
    return file


def check(
    file: Path, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, list[dict[str, Any]]]:
    code = run(["check", "--json", "--config", str(file), *arguments])
    return code, json.loads(capsys.readouterr().out)["findings"]


def found(findings: list[dict[str, Any]], name: str) -> list[tuple[str, str]]:
    return [(each["verdict"], each["text"]) for each in findings if each["check"] == name]


TLS = (
    '[[listener]]\nkind = "submission"\naddress = "127.0.0.1:0"\ntls = "implicit"\n'
    'certificate = "chain.pem"\nprivate_key = "key.pem"\n'
)


def test_a_sound_configuration_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, findings = check(write_config(tmp_path), capsys, "--no-network")
    assert code == 0
    assert found(findings, "configuration")[0][0] == "ok"
    assert found(findings, "disk")[0][0] == "ok"


@pytest.mark.parametrize(
    ("more", "texts"),
    [
        ('trusted_networks = ["10.0.0.0/8", "fc00::/7", "127.0.0.1"]', []),
        ('trusted_networks = ["0.0.0.0/0", "::1"]', ["relays for anybody in 0.0.0.0/0"]),
        ('trusted_networks = ["2000::/3"]', ["relays for anybody in 2000::/3"]),
        ('trusted_networks = ["10.1.0.0/16"]\nproxy_peers = ["10.2.0.9", "fd00::1"]', []),
        (
            'trusted_networks = ["10.1.0.0/16"]\nproxy_peers = ["10.1.0.9", "10.0.0.0/8"]',
            ["proxy_peers 10.1.0.9/32 is in", "proxy_peers 10.0.0.0/8 is in"],
        ),
    ],
)
def test_a1_who_may_relay_is_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, texts: list[str]
) -> None:
    listener = '[[listener]]\nkind = "submission"\naddress = "127.0.0.1:0"\nauth = "trusted"\n'
    code, findings = check(write_config(tmp_path, listener + more), capsys, "--no-network")
    assert code == 0
    warnings = found(findings, "relay")
    assert [verdict for verdict, _ in warnings] == ["warn"] * len(texts)
    assert all(text in warning for text, (_, warning) in zip(texts, warnings, strict=True))


def test_a_port_in_use_fails_and_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        http = f'[[listener]]\nkind = "http"\naddress = "127.0.0.1:{port}"\n'
        code, findings = check(write_config(tmp_path, http), capsys, "--no-network")
    assert code == 69
    ((verdict, text),) = found(findings, "ports")
    assert verdict == "fail"
    assert "ss -ltnp" in text


@pytest.mark.parametrize(
    ("days", "verdict", "words"),
    [(90, "ok", "left"), (10, "warn", "renew"), (-2, "fail", "expired")],
)
def test_a_certificate_is_checked_for_its_end(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    days: int,
    verdict: str,
    words: str,
) -> None:
    write_certificate(tmp_path, days)
    _, findings = check(write_config(tmp_path, TLS), capsys, "--no-network")
    ((is_verdict, text),) = found(findings, "certificate")
    assert is_verdict == verdict
    assert words in text


def test_a_key_that_others_may_read_fails_p8(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_certificate(tmp_path, 90)
    (tmp_path / "key.pem").chmod(0o644)
    code, findings = check(write_config(tmp_path, TLS), capsys, "--no-network")
    assert code == 69
    assert "chmod 0600" in found(findings, "certificate")[0][1]


def test_a_data_directory_open_to_others_is_a_warning_p8(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    _, findings = check(write_config(tmp_path), capsys, "--no-network")
    assert found(findings, "data_dir")[0][0] == "warn"


def test_a_data_directory_mounted_read_only_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    there = os.statvfs(tmp_path)
    read_only = os.statvfs_result([*there[:8], there.f_flag | os.ST_RDONLY, there.f_namemax])
    monkeypatch.setattr(os, "statvfs", lambda _: read_only)
    code, findings = check(write_config(tmp_path), capsys, "--no-network")
    assert code == 69
    assert "mounted read-only" in found(findings, "data_dir")[0][1]


def test_a_mail_log_that_cannot_be_written_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "file").touch()
    for name, words in (
        ("logs", "is a directory"),
        ("file/mail.log", "may not write"),
        ("logs/mail.log", ""),
    ):
        file = write_config(tmp_path, f'[log]\nmail_log = "{name}"\n')
        code, findings = check(file, capsys, "--no-network")
        (log,) = found(findings, "mail_log")
        assert (code, log[0]) == ((69, "fail") if words else (0, "ok"))
        assert words in log[1]


def test_too_little_disk_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_config(tmp_path)
    file.write_text(file.read_text().replace("= 1\n", f"= {2**48}\n"))
    code, findings = check(file, capsys, "--no-network")
    assert code == 69
    assert "new mail is refused" in found(findings, "disk")[0][1]


def test_an_unknown_user_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, findings = check(
        write_config(tmp_path, server='user = "no-such-user-here"'), capsys, "--no-network"
    )
    assert code == 69
    assert "useradd" in found(findings, "user")[0][1]


def test_a_source_that_this_machine_does_not_have_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = (
        '[[source]]\nname = "here"\naddress = "127.0.0.1"\n'
        '[[source]]\nname = "gone"\naddress = "192.0.2.55"\n'
    )
    code, findings = check(write_config(tmp_path, more), capsys, "--no-network")
    assert code == 69
    here, gone = found(findings, "sources")
    assert here[0] == "ok"
    assert gone[0] == "fail"
    assert "gone: this machine cannot send from 192.0.2.55" in gone[1]


def test_the_keys_of_references_and_the_way_in_are_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    feedback = '[feedback]\nreturn_path_domain = "b.example.com"\nkey_file = "f.key"\n'
    file = write_config(tmp_path, feedback)
    _, findings = check(file, capsys, "--no-network")
    (made, way) = found(findings, "feedback")
    assert made[0] == "ok"
    assert "the first start makes it" in made[1]
    assert way[0] == "warn"
    assert 'kind "inbound"' in way[1]
    key = tmp_path / "f.key"
    key.write_text(f"1 {'ab' * 32}\n")
    key.chmod(0o600)
    inbound = '[[listener]]\nkind = "inbound"\naddress = "127.0.0.1:0"\n'
    file = write_config(tmp_path, inbound + feedback)
    _, findings = check(file, capsys, "--no-network")
    assert found(findings, "feedback") == [("ok", f"1 key in {key}")]
    key.chmod(0o644)
    _, findings = check(file, capsys, "--no-network")
    ((verdict, text),) = found(findings, "feedback")
    assert verdict == "fail"
    assert "chmod 0600" in text


def test_a_missing_password_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANGARIUM_TEST_PASSWORD", raising=False)
    routes = (
        '[[route]]\ndomain = "a.test"\nvia = "smtp://u@h.test"\npassword_file = "none"\n'
        '[[route]]\ndomain = "b.test"\nvia = "smtp://u@h.test"\n'
        'password_env = "ANGARIUM_TEST_PASSWORD"\n'
    )
    _, findings = check(write_config(tmp_path, routes), capsys, "--no-network")
    (missing, unset) = found(findings, "password")
    assert [missing[0], unset[0]] == ["fail", "warn"]
    assert "No such file or directory; write the password into it" in missing[1]


def test_a_silent_nameserver_fails_unless_all_goes_to_smart_hosts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        dns = (
            f'[dns]\nnameservers = ["127.0.0.1:{silent.getsockname()[1]}"]\n'
            "timeout_s = 0.2\nlifetime_s = 0.3\n"
        )
        code, findings = check(write_config(tmp_path, dns), capsys)
        assert code == 69
        assert found(findings, "dns")[0][0] == "fail"
        route = '[[route]]\ndomain = "*"\nvia = "smtp://127.0.0.1:25"\n'
        code, findings = check(write_config(tmp_path, route + dns), capsys)
        assert code == 0
        assert found(findings, "dns")[0][0] == "warn"


def test_the_report_for_people_has_a_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", "--no-network", "--config", str(write_config(tmp_path))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok    configuration")
    assert "0 failed" in lines[-1]


@pytest.mark.parametrize(
    ("providers", "warnings"),
    [
        ("", []),
        ('[[provider]]\nname = "a"\nmx_suffixes = [".a.test"]\n', []),
        ('[[provider]]\nname = "a"\n', ["a: it has neither mx_suffixes nor domains"]),
        (
            (
                '[[provider]]\nname = "a"\nmx_suffixes = [".test"]\n'
                '[[provider]]\nname = "b"\nmx_suffixes = [".b.test"]\n'
            ),
            ["b: mx_suffixes: '.b.test' is matched by '.test' of a, which comes first"],
        ),
        (
            (
                '[[provider]]\nname = "a"\ndomains = ["a.test"]\n'
                '[[provider]]\nname = "b"\ndomains = ["A.test"]\n'
            ),
            ["b: domains: 'a.test' is a's already, which comes first"],
        ),
        (
            '[[provider]]\nname = "mine"\nmx_suffixes = [".google.com"]\n',
            ["gmail (shipped): mx_suffixes: '.google.com' is matched by '.google.com' of mine"],
        ),
    ],
)
def test_providers_that_contradict_or_shadow_each_other_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], providers: str, warnings: list[str]
) -> None:
    code, findings = check(write_config(tmp_path, providers), capsys, "--no-network")
    assert code == 0
    told = [text for verdict, text in found(findings, "provider") if verdict == "warn"]
    assert len(told) == len(warnings)
    assert all(text.startswith(warning) for text, warning in zip(told, warnings, strict=True))


def test_a_provider_of_a_shipped_name_says_what_it_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider = '[[provider]]\nname = "gmail"\nconnections = 2\n'
    code, findings = check(write_config(tmp_path, provider), capsys, "--no-network")
    assert code == 0
    verdict, text = found(findings, "provider")[0]
    assert verdict == "ok"
    kept = 'mx_suffixes [".google.com",".googlemail.com"]'
    assert text == f"gmail: connections 2, not 5; the rest as shipped (so {kept})"


def test_a_broken_configuration_is_checked_as_far_as_it_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    file = write_config(tmp_path, '[[provider]]\nname = "a"\n[delivery]\nport = x\n')
    code, findings = check(file, capsys, "--no-network")
    assert code == 78
    verdicts = [verdict for verdict, _ in found(findings, "configuration")]
    assert verdicts == ["fail", "warn"]
    assert 'port = "x"' in found(findings, "configuration")[0][1]
    assert found(findings, "data_dir")[0][0] == "warn"
    assert "limits nothing" in found(findings, "provider")[0][1]
    assert found(findings, "disk")


def test_a_configuration_without_anything_right_is_told_and_no_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.toml").write_text("nonsense")
    code, findings = check(tmp_path / "a.toml", capsys)
    assert (code, {each["check"] for each in findings}) == (78, {"configuration"})


def test_a_user_whose_domain_has_no_key_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key.pem"
    write_private_key(key, generate("ed25519"))
    dkim = f'[dkim]\nkeys = [{{ domain = "a.test", selector = "s1", file = "{key}" }}]\n'
    file = write_config(tmp_path, dkim)
    (tmp_path / "data").mkdir(mode=0o700)
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    for name, senders in (("shop", ["@sub.a.test", "x@b.test"]), ("any", ["*"])):
        add_user(
            credential_path(tmp_path / "data"),
            name,
            "x",
            senders=senders,
            created="2026",
            hasher=cheap,
        )
    _, findings = check(file, capsys, "--no-network")
    missing, anybody = found(findings, "senders")
    assert missing[0] == "warn"
    assert missing[1].startswith("shop may send as b.test, for which [dkim] has no key")
    assert anybody == ("ok", "any may send as anybody: only what [dkim] has keys for is signed")


@pytest.mark.interop
@pytest.mark.skipif(NSD is None, reason="nsd is not installed")
def test_a_real_nameserver_is_asked_for_all_that_is_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key_file = tmp_path / "key.pem"
    key = generate("rsa")
    write_private_key(key_file, key)
    records = wanted_records(
        hostname="mx1.mail.test",
        addresses=["203.0.113.10"],
        domains=["mail.test"],
        keys=[
            PublishedKey(
                record_name="s1._domainkey.mail.test", record=record_text(key.public_key())
            )
        ],
    )
    zone = "\n".join(each.zone_line for each in records if each.purpose != "ptr")
    with Nameserver(tmp_path, "mail.test", zone + "\n") as nameserver:
        more = f"""
[[source]]
name = "ip1"
address = "203.0.113.10"
[[pool]]
name = "default"
sources = [{{ name = "ip1" }}]
[dkim]
keys = [{{ domain = "mail.test", selector = "s1", file = "{key_file}" }}]
[dns]
nameservers = ["127.0.0.1:{nameserver.port}"]
timeout_s = "2s"
lifetime_s = "4s"
"""
        file = write_config(tmp_path, more)
        file.write_text(file.read_text().replace("mx1.example.com", "mx1.mail.test"))
        _, findings = check(file, capsys)
    assert found(findings, "dkim record") == [("ok", "s1._domainkey.mail.test is the key's")]
    assert [verdict for verdict, _ in found(findings, "spf")] == ["ok"]
    assert found(findings, "dmarc") == [("ok", "mail.test: p=none")]
    assert found(findings, "hostname") == [("ok", "mx1.mail.test is 203.0.113.10")]
    ((verdict, text),) = found(findings, "port 25")  # the zone has no MX, and nsd refuses the rest
    assert (verdict, "not tried" in text) == ("warn", True)
