"""Mirrors angarium/dkim/verify.py."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.config.schema import Dkim
from angarium.dkim import KeyFileError, KeyRing, Signer, SigningKey
from angarium.dkim.keygen import generate, record_text, write_private_key, zone_line
from angarium.dkim.record_lookup import from_file
from angarium.dkim.verify import (
    MAX_HEADER_OCTETS,
    MAX_SIGNATURES,
    TemporaryLookupError,
    TxtLookup,
    verify,
)
from angarium.queue.model import UnixMs

CONTENT = b"From: a@example.com\r\nSubject: x\r\n\r\nbody\r\n"

# RFC 8463 appendix A: keys and message as published, with the signatures made by the authors.
RFC8463_ED25519 = b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
RFC8463_MESSAGE = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")


@pytest.fixture
def signed(rsa_key: SigningKey) -> bytes:
    signer = Signer(KeyRing([rsa_key]), Dkim())
    now = UnixMs(int(time.time() * 1000))
    return signer.sign(CONTENT, CONTENT.find(b"\r\n\r\n") + 4, "example.com", now) + CONTENT


@pytest.fixture
def record(rsa_key: SigningKey) -> bytes:
    return record_text(rsa_key.private.public_key()).encode()


def always(record: bytes | None) -> TxtLookup:
    return lambda name: record


def check(message: bytes, record: bytes | None) -> tuple[str, str]:
    [result] = verify(message, always(record))
    return result.status, result.reason


def test_the_signature_of_the_rfc_passes() -> None:
    asked: list[str] = []

    def lookup(name: str) -> bytes:
        asked.append(name)
        return RFC8463_ED25519

    [result] = verify(RFC8463_MESSAGE, lookup)
    assert (result.status, result.reason) == ("pass", "")
    assert (result.domain, result.selector) == ("football.example.com", "brisbane")
    assert result.algorithm == "ed25519-sha256"
    assert asked == ["brisbane._domainkey.football.example.com"]


def test_a_good_signature_passes(signed: bytes, record: bytes) -> None:
    assert check(signed, record) == ("pass", "")


def test_an_unsigned_message_has_no_results(record: bytes) -> None:
    assert list(verify(CONTENT, always(record))) == []


def test_a_changed_body_or_header_fails(signed: bytes, record: bytes) -> None:
    assert check(signed.replace(b"\r\nbody", b"\r\nBody"), record)[0] == "fail"
    assert check(signed.replace(b"Subject: x", b"Subject: y"), record)[0] == "fail"


def test_a_key_of_someone_else_fails(signed: bytes) -> None:
    assert check(signed, record_text(generate("rsa").public_key()).encode())[0] == "fail"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"p=", b"x=", "no key in the record"),
        (b"k=rsa", b"k=ed25519", "another type"),
        (b"v=DKIM1", b"v=DKIM2", "bad version"),
        (b"k=rsa", b"k=rsa; h=sha1", "does not allow sha256"),
        (b"p=MII", b"p=AAA", ""),
        (b"p=", b"p=;q=", "revoked"),
        (b"v=", b"n=%s;v=" % (b"x" * 5000), "too large"),  # D3
        (b"v=DKIM1;", b"rubbish;;", "not a tag list"),
    ],
)
def test_a_bad_key_record_is_a_permanent_error_d3(
    old: bytes, new: bytes, reason: str, signed: bytes, record: bytes
) -> None:
    status, text = check(signed, record.replace(old, new))
    assert status == "permerror"
    assert reason in text


def test_no_record_is_permanent_and_no_answer_temporary_d3(signed: bytes) -> None:
    assert check(signed, None)[0] == "permerror"

    def lookup(name: str) -> bytes:
        raise TemporaryLookupError("timed out")

    [result] = verify(signed, lookup)
    assert (result.status, "timed out" in result.reason) == ("temperror", True)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"a=rsa-sha256", b"a=rsa-sha1", "RFC 8301"),
        (b"a=rsa-sha256", b"a=rsa-md5", ""),
        (b"h=from:", b"h=x:", ""),
        (b" d=example.com;", b"", "no d= tag"),
        (b"v=1;", b"v=1; l=zero;", "l="),
        (b"v=1;", b"v=1; x=1;", ""),
        (b"v=1;", b"v;", "no v= tag"),
        (b"d=example.com", b"d=ex\xffmple.com", "not ASCII"),
    ],
)
def test_a_bad_signature_field_never_passes(
    old: bytes, new: bytes, reason: str, signed: bytes, record: bytes
) -> None:
    assert old in signed
    status, text = check(signed.replace(old, new), record)
    assert status in ("permerror", "fail")
    assert reason in text


def test_from_must_be_signed(signed: bytes, record: bytes) -> None:
    unfolded = signed.replace(b"from:", b"x:")
    assert check(unfolded, record) == ("permerror", "the From field is not signed")


def test_only_the_first_signatures_are_checked_d3(signed: bytes, record: bytes) -> None:
    end = len(signed) - len(CONTENT)
    asked: list[str] = []

    def lookup(name: str) -> bytes:
        asked.append(name)
        return record

    results = verify(signed[:end] * (MAX_SIGNATURES + 3) + CONTENT, lookup)
    assert [each.status for each in results] == ["pass"] * MAX_SIGNATURES + ["skipped"] * 3
    assert len(asked) == MAX_SIGNATURES


def test_a_length_tag_is_reported(signed: bytes, record: bytes) -> None:
    [result] = verify(signed.replace(b"v=1;", b"v=1; l=2;"), always(record))
    assert result.status == "fail"
    assert result.body_octets == 2


def test_what_is_no_message_is_a_permanent_error(record: bytes) -> None:
    for rubbish in (b"\x00\xff\r\n\r\n", b" begins\r\n\r\n", b"no field\r\n\r\n"):
        assert check(rubbish, record)[0] == "permerror"
    huge = b"X: " + b"x" * MAX_HEADER_OCTETS + b"\r\n\r\n"
    assert check(huge, record) == ("permerror", "the header is too large")


@given(st.binary(max_size=200), st.binary(max_size=60))
def test_hostile_octets_never_raise_d3(field: bytes, record: bytes) -> None:
    message = (
        b"DKIM-Signature: v=1; a=rsa-sha256; d=a; s=b; bh=; h=from; b=" + field + b"\r\n" + CONTENT
    )
    for result in verify(message, always(record)):
        assert result.status != "pass"
        assert result.reason.isprintable()


def test_a_key_file_of_any_form_answers_every_name(
    tmp_path: Path, rsa_key: SigningKey, record: bytes
) -> None:
    write_private_key(tmp_path / "private.pem", rsa_key.private)
    (tmp_path / "zone").write_text(zone_line(rsa_key))
    (tmp_path / "record").write_bytes(record + b"\n")
    for name in ("private.pem", "zone", "record"):
        assert from_file(tmp_path / name)("any") == record, name
    (tmp_path / "rubbish").write_bytes(b"rubbish")
    for name in ("rubbish", "absent"):
        with pytest.raises(KeyFileError, match=name):
            from_file(tmp_path / name)
