"""Mirrors angarium/dkim/keys.py, keyring.py and keygen.py."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from angarium.config.schema import Dkim, DkimKey
from angarium.dkim.errors import KeyFileError
from angarium.dkim.keygen import (
    generate,
    record_text,
    write_private_key,
    zone_line,
)
from angarium.dkim.keyring import KeyRing, check_name
from angarium.dkim.keys import KeyType, SigningKey, load_private_key
from angarium.dkim.txt import txt_strings


def write(path: Path, octets: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(octets)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_new_key_is_written_for_its_owner_alone_and_read_again(
    kind: KeyType, tmp_path: Path
) -> None:
    key, path = generate(kind), tmp_path / "k.pem"
    write_private_key(path, key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert record_text(load_private_key(path).public_key()) == record_text(key.public_key())
    assert [each.name for each in tmp_path.iterdir()] == ["k.pem"]


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = write(tmp_path / "k.pem", b"precious")
    with pytest.raises(KeyFileError, match=r"k\.pem: exists already"):
        write_private_key(path, generate("ed25519"))
    assert path.read_bytes() == b"precious"
    assert [each.name for each in tmp_path.iterdir()] == ["k.pem"]


def test_a_key_that_cannot_be_written_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"none/k\.pem: No such file"):
        write_private_key(tmp_path / "none" / "k.pem", generate("ed25519"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_a_key_that_others_may_read_or_change_is_refused_p8(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "k.pem"
    write_private_key(path, generate("ed25519"))
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=rf"k\.pem: .*mode {mode:04o}.*chmod 600"):
        load_private_key(path)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def test_short_rsa_keys_are_refused_d1(tmp_path: Path) -> None:
    short = rsa.generate_private_key(65537, 1024)
    with pytest.raises(KeyFileError, match="RSA key of 1024 bits; 2048"):
        load_private_key(write(tmp_path / "k.pem", pem(short)))


def test_what_is_not_a_usable_key_is_refused_by_name(tmp_path: Path) -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    for octets, reason in [
        (b"", "not a private key"),
        (b"-----BEGIN PRIVATE KEY-----\nrubbish\n-----END PRIVATE KEY-----\n", "not a private key"),
        (pem(curve), "neither an RSA nor an Ed25519"),
        (pem(curve, b"secret"), "encrypted"),
        (b"x" * 70_000, "larger than"),
    ]:
        with pytest.raises(KeyFileError, match=rf"k\.pem: .*{reason}"):
            load_private_key(write(tmp_path / "k.pem", octets))
    with pytest.raises(KeyFileError, match="absent: No such file"):
        load_private_key(tmp_path / "absent")
    with pytest.raises(KeyFileError, match="not a regular file"):
        load_private_key(tmp_path)


def test_a_record_is_cut_into_strings_that_join_to_it(rsa_key: SigningKey) -> None:
    record = record_text(rsa_key.private.public_key())
    strings = txt_strings(record)
    assert record.startswith("v=DKIM1; k=rsa; p=MIIB")
    assert len(strings) == 2
    assert all(len(each) <= 255 for each in strings)
    assert "".join(strings) == record


def test_a_zone_line_holds_name_and_quoted_strings(ed25519_key: SigningKey) -> None:
    record = record_text(ed25519_key.private.public_key())
    assert zone_line(ed25519_key) == f'e1._domainkey.example.com. 3600 IN TXT ( "{record}" )'


def configured(path: Path, *domains: str) -> Dkim:
    return Dkim(keys=tuple(DkimKey(domain=each, selector="s1", file=str(path)) for each in domains))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "k.pem"
    write_private_key(path, generate("ed25519"))
    return path


def test_a_domain_uses_its_own_key_else_its_nearest_parents(key_file: Path) -> None:
    ring = KeyRing.load(configured(key_file, "example.com", "News.Example.com"))
    domains = {
        "example.com": ["example.com"],
        "EXAMPLE.com": ["example.com"],
        "news.example.com": ["news.example.com"],
        "a.news.example.com": ["news.example.com"],
        "shop.example.com": ["example.com"],
        "badexample.com": [],
        "com": [],
        "": [],
    }
    for domain, expected in domains.items():
        assert [key.domain for key in ring.find(domain)] == expected, domain


def test_a_reload_that_fails_keeps_the_old_keys_kr1(key_file: Path) -> None:
    ring = KeyRing.load(configured(key_file, "example.com"))
    old = ring.find("example.com")
    with pytest.raises(
        KeyFileError, match=r"^dkim: key \S+ of example.com: .*absent: No such file"
    ):
        ring.reload(configured(key_file.with_name("absent"), "example.com"))
    assert ring.find("example.com") == old
    ring.reload(configured(key_file, "example.net"))
    assert ring.find("example.com") == ()
    assert len(ring.find("example.net")) == 1


def test_two_keys_of_one_name_are_refused(key_file: Path) -> None:
    with pytest.raises(KeyFileError, match=r"two keys for s1\._domainkey\.example\.com"):
        KeyRing.load(configured(key_file, "example.com", "example.com"))


@pytest.mark.parametrize(
    "name", ["", "a;b", "a b", "a..b", ".a", "a.", "-a", "a\r\nb", "ä.example", "a" * 64, "a=b"]
)
def test_a_name_that_would_break_a_tag_is_refused_c1(name: str) -> None:
    with pytest.raises(KeyFileError):
        check_name("domain", name)
