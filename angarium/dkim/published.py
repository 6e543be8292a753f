"""Whether a published key record lets others verify what a key signs (RFC 6376 section 3.6.1). Sends nothing."""

import binascii
from base64 import b64decode, b64encode

from dkim.util import InvalidTagValueList, parse_tag_value

from angarium.dkim.keygen import record_text
from angarium.dkim.keys import SigningKey


def find_record_fault(record: bytes, key: SigningKey) -> str | None:
    """Return in words why signatures of ``key`` fail under this record; None: they do not."""
    try:
        tags = parse_tag_value(record)
    except InvalidTagValueList:
        return "the record is no list of tags: publish it as `postmaster dkim dns` prints it"
    if tags.get(b"v", b"DKIM1") != b"DKIM1":
        return "v= must be DKIM1"
    if not tags.get(b"p"):
        return "p= is empty: the key is revoked" if b"p" in tags else "there is no p= with the key"
    if (kind := tags.get(b"k", b"rsa")) != key.type.encode():
        return f"k={_shown(kind)} is published, the private key is {key.type}"
    ours = parse_tag_value(record_text(key.private.public_key()).encode())[b"p"]
    if _decoded(tags[b"p"]) != b64decode(ours):
        return "another key is published than the file has: each signature fails"
    if b"sha256" not in _list(tags.get(b"h", b"sha256")):
        return "h= does not allow sha256, with which we sign"
    if not {b"*", b"email"} & set(_list(tags.get(b"s", b"*"))):
        return "s= does not allow email"
    return None


def is_testing(record: bytes) -> bool:
    """Whether t=y is set: receivers then treat a failed signature like none."""
    try:
        return b"y" in _list(parse_tag_value(record).get(b"t", b""))
    except InvalidTagValueList:
        return False


def _decoded(text: bytes) -> bytes | None:
    try:
        octets = b64decode(b"".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return octets if b64encode(octets) else None


def _list(value: bytes) -> list[bytes]:
    return [each.strip().lower() for each in value.split(b":")]


def _shown(value: bytes) -> str:
    return ascii(value[:40].decode("ascii", "replace"))
