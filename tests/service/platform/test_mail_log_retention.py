"""Mirrors angarium/service/platform/mail_log_retention.py, on real files."""

import os
from pathlib import Path

import msgspec
import pytest

from angarium.config.schema import Config, Log, Retention, Server
from angarium.queue.model import UnixMs
from angarium.service.platform.mail_log_file import MailLogFile
from angarium.service.platform.mail_log_retention import MailLogRetention
from angarium.telemetry.timestamp import rfc3339

DAY_MS = 86_400_000
NOW = UnixMs(1_800_000_000_000)


def line_of(age_days: float) -> bytes:
    at = rfc3339(int(NOW - age_days * DAY_MS))
    return msgspec.json.encode({"sequence": 1, "ts": at, "message": "m"}) + b"\n"


def retention(path: Path, days: int = 30) -> MailLogRetention:
    config = Config(
        server=Server(hostname="mx.example.com", data_dir=str(path.parent)),
        log=Log(mail_log=str(path)),
        retention=Retention(mail_log_days=days),
    )
    return MailLogRetention(config, lambda: NOW)


def put(path: Path, age_days: float) -> Path:
    path.write_bytes(line_of(age_days))
    at = NOW / 1000 - age_days * 86_400
    os.utime(path, (at, at))
    return path


def test_files_go_when_their_last_line_is_old_and_others_stay(tmp_path: Path) -> None:
    log = put(tmp_path / "mail.log", 1)
    old = [put(tmp_path / name, 31) for name in ("mail.log.1", "mail.log-2026-01-01.gz")]
    kept = [put(tmp_path / "mail.log-2026-02-01", 29), put(tmp_path / "mail.logs", 400)]
    retention(log).look()
    assert not any(each.exists() for each in old)
    assert all(each.exists() for each in (*kept, log))


@pytest.mark.parametrize(("age_days", "rotated"), [(2.9, 0), (3.1, 1)])
def test_a_file_that_nobody_rotates_is_when_it_has_a_tenth_of_the_days(
    tmp_path: Path, age_days: float, rotated: int
) -> None:
    path = tmp_path / "mail.log"
    sink = MailLogFile(str(path))
    sink.open()
    sink.append(line_of(age_days))
    retention(path).look()
    sink.append(line_of(0))
    sink.close()
    files = sorted(each.name for each in tmp_path.iterdir())
    assert len(files) == 1 + rotated
    assert path.read_bytes().count(b"\n") == 2 - rotated


def test_no_log_and_one_that_goes_to_standard_output_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    retention(tmp_path / "mail.log").look()
    (tmp_path / "-").write_bytes(line_of(400))
    monkeypatch.chdir(tmp_path)
    retention(Path("-")).look()
    assert (tmp_path / "-").exists()
