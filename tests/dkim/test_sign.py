"""Mirrors angarium/dkim/sign.py. dkimpy, a second implementation, verifies what we sign."""

import itertools
import re
import time
from base64 import b64decode

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dkim.util import parse_tag_value
from hypothesis import example, given, settings
from hypothesis import strategies as st

from angarium.config.schema import Dkim
from angarium.dkim import KeyRing, Signer, SigningKey, UnsignableMessageError
from angarium.dkim.keygen import record_text
from angarium.queue.model import UnixMs

CANONICALIZATIONS = [
    f"{header}/{body}" for header, body in itertools.product(("relaxed", "simple"), repeat=2)
]
NOW = UnixMs(int(time.time() * 1000))
HEADER = (
    b"Received: from a\r\n\tby b; x\r\nFrom: A <a@example.com>\r\nTo: b@example.net,\r\n c@example.net\r\n"
    b"Subject:  \xc3\xa4  folded\r\n\t twice\r\n and again \r\nDate: x\r\nMessage-ID: <1@example.com>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n"
)


def signer(
    *keys: SigningKey, canonicalization: str = "relaxed/relaxed", **settings: float
) -> Signer:
    return Signer(KeyRing(keys), Dkim(canonicalization=canonicalization, **settings))  # type: ignore[arg-type]


def sign(signer: Signer, content: bytes, domain: str = "example.com") -> bytes:
    end = content.find(b"\r\n\r\n")
    return signer.sign(content, end + 4 if end >= 0 else len(content), domain, NOW)


def verified(message: bytes, *keys: SigningKey) -> list[bool]:
    """Say of each signature, top first, whether dkimpy finds it good."""
    records = {
        f"{key.record_name}.".encode(): record_text(key.private.public_key()).encode()
        for key in keys
    }
    parsed = dkim.DKIM(message)
    count = message.lower().count(b"dkim-signature:")
    return [parsed.verify(each, dnsfunc=lambda n, timeout: records[n]) for each in range(count)]


def tags(field: bytes) -> dict[bytes, bytes]:
    return parse_tag_value(field.partition(b":")[2])  # type: ignore[no-any-return]


WORDS = st.lists(
    st.sampled_from(
        [b"a", b"B", b"\xc3\xa4", b"\xff", b" ", b"  ", b"\t", b"\r\n ", b"\r\n\t", b":", b";b="]
    ),
    max_size=12,
).map(b"".join)
# dkimpy takes a folded line of blanks only for the end of the header, as others may: intake refuses those.
VALUES = WORDS.filter(lambda value: not re.search(rb"\r\n[ \t]*(\r\n|$)", value))
SINGLE = [b"To", b"Subject", b"dAtE", b"Reply-To", b"Message-ID", b"List-Unsubscribe", b"Sender"]
MANY = [b"Received", b"X-Other", b"Resent-To", b"Comments", b"List-Help"]


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    names = draw(st.lists(st.sampled_from(SINGLE), unique=True))
    names += draw(st.lists(st.sampled_from(MANY), max_size=6))
    fields = [name + b":" + draw(VALUES) + b"\r\n" for name in draw(st.permutations(names))]
    fields.insert(draw(st.integers(0, len(fields))), b"From: a@example.com\r\n")
    body = draw(
        st.lists(
            st.sampled_from([b"a", b"\xff", b"\0", b" ", b"\t", b"  ", b".", b"\r\n", b"\r\n\r\n"]),
            max_size=40,
        ).map(b"".join)
    )
    return b"".join(fields) + b"\r\n" + body


@settings(max_examples=150, deadline=None)
@given(messages(), st.sampled_from(CANONICALIZATIONS))
@example(b"From: a@example.com\r\n\r\n", "relaxed/relaxed")
@example(b"From: a@example.com\r\n\r\n", "simple/simple")
@example(b"From: a@example.com\r\n\r\nno end", "simple/simple")
def test_dkimpy_verifies_what_we_sign(
    rsa_key: SigningKey, ed25519_key: SigningKey, message: bytes, canonicalization: str
) -> None:
    ours = signer(rsa_key, ed25519_key, canonicalization=canonicalization)
    fields = sign(ours, message)
    as_sent = message if message.endswith(b"\r\n") else message + b"\r\n"  # as DATA ends it
    assert verified(fields + as_sent, rsa_key, ed25519_key) == [True, True]


FRONT = b"X-Angarium-Reference: ar1.x\r\nFeedback-ID: a:b:c:d\r\nCFBL-Address: f@example.com\r\n"


@pytest.mark.parametrize("canonicalization", CANONICALIZATIONS)
def test_fields_in_front_of_the_content_are_signed_and_nobody_can_add_one(
    canonicalization: str, rsa_key: SigningKey
) -> None:
    ours = signer(rsa_key, canonicalization=canonicalization)
    content = HEADER + b"body\r\n"
    signature = ours.sign(content, len(HEADER), "example.com", NOW, FRONT)
    message = signature + FRONT + content
    assert verified(message, rsa_key) == [True]
    for name in (b"X-Angarium-Reference", b"Feedback-ID", b"CFBL-Address"):
        changed = message.replace(name + b": ", name + b": z")
        added = message.replace(name + b": ", name + b": evil\r\n" + name + b": ")
        assert verified(changed, rsa_key) == verified(added, rsa_key) == [False]
    bare = ours.sign(content, len(HEADER), "example.com", NOW)
    assert b"feedback-id" not in bare
    assert verified(bare + content, rsa_key) == [True]


@pytest.mark.slow
def test_a_message_of_25_mb_is_signed(rsa_key: SigningKey) -> None:
    line = b"The quick brown fox  jumps over \t the lazy dog. " * 10 + b" \r\n"
    content = HEADER + line * (25 * 2**20 // len(line))
    fields = sign(signer(rsa_key), content)
    assert verified(fields + content, rsa_key) == [True]


@pytest.mark.parametrize("canonicalization", CANONICALIZATIONS)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"body", b"bodY"),
        (b"a@example.com", b"b@example.com"),
        (b"Subject:", b"Subject: new"),
        (b"From:", b"From: evil@example.net\r\nFrom:"),  # D1: over-signed
        (b"To:", b"To: evil@example.net\r\nTo:"),
        (b"MIME-Version", b"Cc: new@example.net\r\nMIME-Version"),  # absent, over-signed
        (b"MIME-Version", b"List-Unsubscribe: <https://evil.example>\r\nMIME-Version"),
        (b"MIME-Version", b"Reply-To: evil@example.net\r\nMIME-Version"),
        (b"Content-Type: text/plain", b"Content-Type: text/html"),
        (b"Content-Type", b"Content-Type: text/html\r\nContent-Type"),
        (b" t=", b" t=1"),
        (b"d=example.com", b"d=example.org"),
    ],
)
def test_tampering_is_detected_d1(
    canonicalization: str, old: bytes, new: bytes, rsa_key: SigningKey
) -> None:
    content = HEADER + b"body\r\n"
    message = sign(signer(rsa_key, canonicalization=canonicalization), content) + content
    other = SigningKey(domain="example.org", selector="r1", private=rsa_key.private)
    assert verified(message, rsa_key) == [True]
    assert old in message
    tampered = message.replace(old, new, 1)
    try:
        good = verified(tampered, rsa_key, other)
    except dkim.ValidationError:  # how dkimpy says that the body does not match, or t= is to come
        good = [False]
    assert good == [False]


def test_the_tags_are_those_we_mean_d1(rsa_key: SigningKey) -> None:
    field = sign(signer(rsa_key, expire_s=86_400.0), HEADER + b"body\r\n")
    found = tags(field)
    assert set(found) == {
        b"v",
        b"a",
        b"c",
        b"d",
        b"s",
        b"t",
        b"x",
        b"bh",
        b"h",
        b"b",
    }  # no l=, no i=
    assert found[b"a"] == b"rsa-sha256"
    assert int(found[b"t"]) == NOW // 1000
    assert int(found[b"x"]) == NOW // 1000 + 86_400
    assert len(b64decode(re.sub(rb"\s", b"", found[b"b"]))) == 256


def test_what_matters_is_signed_once_more_than_it_occurs_d1(rsa_key: SigningKey) -> None:
    header = HEADER.replace(b"Received:", b"List-Help: 1\r\nList-Help: 2\r\nReceived:")
    names = re.sub(rb"\s", b"", tags(sign(signer(rsa_key), header))[b"h"]).split(b":")
    present = [b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"]
    absent = [b"reply-to", b"cc", b"list-unsubscribe", b"list-unsubscribe-post"]
    assert {name: names.count(name) for name in present} == dict.fromkeys(present, 2)
    assert {name: names.count(name) for name in absent} == dict.fromkeys(absent, 1)
    assert names.count(b"list-help") == 2
    assert b"received" not in names


def test_lines_of_the_field_are_short_enough(rsa_key: SigningKey) -> None:
    key = SigningKey(domain=f"{'a' * 60}.example.com", selector="s" * 60, private=rsa_key.private)
    field = sign(signer(key, expire_s=60.0), HEADER, key.domain)
    assert field.endswith(b"\r\n")
    for line in field[:-2].split(b"\r\n"):
        assert len(line) <= 78
        assert b"\r" not in line
        assert b"\n" not in line
        assert line.strip()


def test_a_domain_without_a_key_is_not_signed(rsa_key: SigningKey) -> None:
    assert sign(signer(rsa_key), HEADER, "example.net") == b""
    assert sign(signer(rsa_key), HEADER, "") == b""
    assert sign(signer(), HEADER) == b""


def test_a_subdomain_is_signed_by_its_parent(rsa_key: SigningKey) -> None:
    assert tags(sign(signer(rsa_key), HEADER, "news.example.com"))[b"d"] == b"example.com"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (HEADER.replace(b"To:", b"From: b@example.com\r\nTo:"), "more than one from"),
        (HEADER.replace(b"To:", b"SUBJECT: b\r\nTo:"), "more than one subject"),
        (HEADER.replace(b"To:", b"content-type: b\r\nTo:"), "more than one content-type"),
        (HEADER.replace(b"From:", b"X-From:"), "no From"),
        (HEADER.replace(b"To:", b"no field\r\nTo:"), "neither a field"),
        (HEADER.replace(b"To:", b"To :"), "neither a field"),
        (HEADER.replace(b"To:", b": x\r\nTo:"), "neither a field"),
        (HEADER.replace(b"To:", b"T\xc3\xb6: x\r\nTo:"), "neither a field"),
        (HEADER.replace(b"a@", b"\na@"), "bare"),
        (HEADER.replace(b"a@", b"\ra@"), "bare"),
        (b" " + HEADER, "begins with a continuation"),
        (b"\r\n" + HEADER, "neither a field"),
        (b"\r\nbody", "neither a field"),
    ],
)
def test_an_ambiguous_header_is_not_signed_c5_d1(
    content: bytes, reason: str, rsa_key: SigningKey
) -> None:
    with pytest.raises(UnsignableMessageError, match=reason):
        signer(rsa_key).sign(content, content.find(b"\r\n\r\n") + 4, "example.com", NOW)


@pytest.mark.parametrize("header_octets", [0, 10, len(HEADER) - 2, len(HEADER) + 8])
def test_a_header_length_that_is_not_the_first_empty_line_is_refused_c5(
    header_octets: int, rsa_key: SigningKey
) -> None:
    with pytest.raises(UnsignableMessageError, match="first empty line"):
        signer(rsa_key).sign(HEADER + b"body\r\n\r\nmore", header_octets, "example.com", NOW)


def test_a_message_that_is_all_header_is_signed(rsa_key: SigningKey) -> None:
    content = HEADER[:-2]
    assert verified(sign(signer(rsa_key), content) + content, rsa_key) == [True]


def test_the_same_header_set_gives_the_same_tag_from_the_cache(rsa_key: SigningKey) -> None:
    ours = signer(rsa_key)
    assert sign(ours, HEADER) == sign(ours, HEADER)
    other = HEADER.replace(b"Date", b"X-Date")
    assert verified(sign(ours, other) + other, rsa_key) == [True]


# RFC 8463 appendix A: the published keys, and the signature made with them.
RFC8463_SEED = b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
RFC8463_RECORD = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


def test_the_ed25519_record_of_the_rfc_is_ours_too() -> None:
    key = Ed25519PrivateKey.from_private_bytes(RFC8463_SEED)
    assert record_text(key.public_key()) == RFC8463_RECORD
