"""Mirrors angarium/tenancy/secret_file.py and key_text.py."""

import hashlib
import stat
from pathlib import Path

import pytest

from angarium.tenancy.key_text import ParsedKey, new_key_id, new_key_text, parse_key
from angarium.tenancy.model import TenancySetupError
from angarium.tenancy.scopes import ROLES, allows, read_scopes
from angarium.tenancy.secret_file import Secrets, make_secret_file, read_secrets


def octets(number: int) -> bytes:
    return bytes(range(number))


def test_the_file_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "tenancy.key"
    assert make_secret_file(path, None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert not make_secret_file(path, None)
    assert path.read_text() == text
    sealed = read_secrets(path).seal(b"secret", "a")
    assert read_secrets(path).open(sealed, "a") == b"secret"


def test_a_file_that_is_missing_or_open_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "tenancy.key"
    with pytest.raises(TenancySetupError, match="is not there: put it back"):
        read_secrets(path)
    make_secret_file(path, None)
    path.chmod(0o640)
    with pytest.raises(TenancySetupError, match="chmod 0600"):
        read_secrets(path)
    path.chmod(0o600)
    path.write_text("# nothing\n")
    with pytest.raises(TenancySetupError, match="has no key; put back the file as it was"):
        read_secrets(path)


def test_what_is_sealed_opens_at_its_place_only() -> None:
    secrets = Secrets({1: octets(32)})
    sealed = secrets.seal(b"private", "dkim", "example.com", "s1")
    assert b"private" not in sealed
    assert secrets.open(sealed, "dkim", "example.com", "s1") == b"private"
    changed = sealed[:-1] + bytes((sealed[-1] ^ 1,))
    for octets_, place in (
        (sealed, ("dkim", "example.com", "s2")),
        (
            sealed,
            (
                "dkim",
                "example.coms1",
            ),
        ),
        (changed, ("dkim", "example.com", "s1")),
        (b"\x02" + sealed[1:], ("dkim", "example.com", "s1")),
        (b"", ("dkim", "example.com", "s1")),
    ):
        with pytest.raises(TenancySetupError, match="does not open"):
            secrets.open(octets_, *place)


def test_after_a_rotation_of_the_file_the_old_opens_and_ses_secrets_stay() -> None:
    old = Secrets({1: octets(32)})
    new = Secrets({1: octets(32), 2: bytes(32)})
    assert new.open(old.seal(b"x", "p"), "p") == b"x"
    assert new.seal(b"x", "p")[0] == 2
    assert new.ses_secret("id", 1) == old.ses_secret("id", 1)
    assert new.ses_secret("id", 2) != new.ses_secret("id", 1) != new.ses_secret("ie", 1)


def test_a_key_says_what_it_is() -> None:
    key_id = new_key_id(octets)
    assert key_id == "aaaqeayeaudaocaj"
    text = new_key_text("smtp", key_id, octets)
    assert text == f"ang_smtp_{key_id}_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert parse_key(text) == ParsedKey(kind="smtp", id=key_id)
    for other in ("", "ang", "ang_api", "ang_api_x", "ang_api_x_", "ang_ftp_x_y", "re_123"):
        assert parse_key(other) is None


def test_scopes_allow_what_they_name() -> None:
    assert allows(read_scopes(["*"]), "webhooks", "write")
    assert not allows(read_scopes(["*"]), "queue", "act")
    assert allows(read_scopes(["queue:act"]), "queue", "act")
    assert not allows(read_scopes(["queue:read"]), "queue", "act")
    assert allows(read_scopes(["email"]), "emails", "cancel")
    for scopes in ROLES.values():
        assert read_scopes(scopes) == scopes
    assert allows(ROLES["owner"], "tenants", "write")
    assert not allows(ROLES["admin"], "tenants", "write")
    assert not allows(ROLES["read-only"], "emails", "send")


def test_a_digest_is_plain_sha256() -> None:
    from angarium.tenancy.key_text import key_digest

    assert key_digest("ang") == hashlib.sha256(b"ang").digest()
