"""DKIM-Signature fields (RFC 6376 section 5). Sans-IO: content and time in, header fields out."""

import re
from base64 import b64encode
from collections.abc import Sequence
from typing import Final, cast

import msgspec

from angarium.config.schema import Dkim
from angarium.dkim.canonical import Algorithm, body_digest, relaxed_value, split_fields
from angarium.dkim.errors import UnsignableMessageError
from angarium.dkim.keyring import FindsKeys
from angarium.dkim.keys import PrivateKey, SigningKey, sign_digest_input
from angarium.queue.model import UnixMs

LINE_OCTETS: Final = 76  # we fold here; RFC 5322 section 2.1.1: SHOULD be no more than 78

MAX_H_TAGS: Final = 1024  # ours: each sender's software has its own set of fields; there are few

# Signed once more often than they occur, so that none can be added behind our back (section 8.15; D1).
_OVERSIGNED: Final = (
    *(b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"reply-to"),
    *(b"mime-version", b"content-type", b"list-unsubscribe", b"list-unsubscribe-post"),
)
# Signed as often as they occur (section 5.4.1).
_SIGNED: Final = (
    *(b"sender", b"in-reply-to", b"references", b"content-transfer-encoding"),
    *(b"content-id", b"content-description", b"list-id", b"list-help"),
    *(b"list-subscribe", b"list-post", b"list-owner", b"list-archive"),
    *(b"resent-from", b"resent-sender", b"resent-to", b"resent-cc", b"resent-date"),
    b"resent-message-id",
)
# The same, but not where there is none: who added one to mail without a report address would gain nothing
_OVERSIGNED_IF_THERE: Final = (
    *(b"feedback-id", b"cfbl-address", b"cfbl-feedback-id", b"x-angarium-reference"),
)
# RFC 5322 section 3.6 (and RFC 2045, 2369, 8058): at most one. With two, readers differ on which counts.
_SINGLETONS: Final = frozenset(
    (
        *_OVERSIGNED,
        *(b"sender", b"in-reply-to", b"references", b"content-transfer-encoding"),
        *(b"content-id", b"content-description", b"list-id", b"bcc"),
    )
)
_COVERED: Final = _OVERSIGNED + _SIGNED + _OVERSIGNED_IF_THERE
_KNOWN: Final = _SINGLETONS.union(_COVERED)
_FIELD_NAME_OCTETS: Final = bytes(c for c in range(33, 127) if c != ord(":"))  # RFC 5322 3.6.8


_NAMES: Final = re.compile(rb" d=([^;\s]+);(?:\r\n)? s=([^;\s]+);")


class UnsignedField(msgspec.Struct, frozen=True, kw_only=True):
    """All of a signature field but the signature; only the key operation is left to do."""

    private: PrivateKey
    data: bytes  # what the signature is over (section 3.7)
    field: bytes  # up to and with "b="

    def sign(self) -> bytes:
        """Return the field with its CRLF. All of the cost is the key operation, which drops the GIL."""
        signature = b64encode(sign_digest_input(self.private, self.data))
        first = LINE_OCTETS - len(b" b=")
        step = LINE_OCTETS - len(b" ")
        rest = [signature[start : start + step] for start in range(first, len(signature), step)]
        return self.field + b"\r\n ".join([signature[:first], *rest]) + b"\r\n"


class Signer:
    """Signs for each key of the header From's domain; l= and i= are never used."""

    def __init__(self, keyring: FindsKeys, settings: Dkim) -> None:
        self._keyring = keyring
        header, _, body = settings.canonicalization.partition("/")
        self._header_algorithm = cast(Algorithm, header)
        self._body_algorithm = cast(Algorithm, body)
        self._canonicalization = settings.canonicalization.encode()
        self._h_tags: dict[tuple[bytes, ...], bytes] = {}  # cache: names of signed fields -> h= tag
        self._expire_s = None if settings.expire_s is None else int(settings.expire_s)

    def sign(
        self,
        content: bytes,
        header_octets: int,
        header_from: str,
        now: UnixMs,
        front: bytes = b"",
        tenant: str = "",
    ) -> bytes:
        """Return the fields to put before ``front`` and ``content``, one per key; b"" if the domain has no key.

        Raises UnsignableMessageError.
        """
        fields = self.prepare(content, header_octets, header_from, now, front, tenant)
        return b"".join([each.sign() for each in fields])

    def prepare(
        self,
        content: bytes,
        header_octets: int,
        header_from: str,
        now: UnixMs,
        front: bytes = b"",
        tenant: str = "",
    ) -> Sequence[UnsignedField]:
        """Do all but the key operations: canonicalise, choose the fields, hash the body.

        ``header_octets`` counts the empty line. ``front``: fields that go before the content, each with its CRLF: so
        that a large one is not copied for them. Raises UnsignableMessageError.
        """
        keys = self._keyring.find(header_from, tenant)
        if not keys:
            return ()
        header = front + _header_block(content, header_octets)
        fields = _collect(split_fields(header, self._header_algorithm))
        names, covered = self._cover(fields)
        digest = body_digest(content, header_octets, self._body_algorithm)
        return [self._unsigned(key, self._common_tags(now, digest), names, covered) for key in keys]

    def _cover(self, fields: dict[bytes, list[bytes]]) -> tuple[bytes, bytes]:
        """Return the h= tag, folded, and the canonical fields in its order (section 5.4.2)."""
        relaxed = self._header_algorithm == "relaxed"
        names: list[bytes] = []
        canonical: list[bytes] = []
        for name in _COVERED:
            for field in reversed(fields.get(name, ())):  # the last instance first
                names.append(name)
                if relaxed:
                    canonical.append(name)
                    canonical.append(b":")
                    canonical.append(relaxed_value(field[len(name) + 1 :]))
                else:
                    canonical.append(field)
                canonical.append(b"\r\n")
        present = tuple(names)
        tag = self._h_tags.get(present)
        if tag is None:
            if len(self._h_tags) >= MAX_H_TAGS:
                self._h_tags.clear()
            tag = self._h_tags[present] = _h_tag(present)
        return tag, b"".join(canonical)

    def _common_tags(self, now: UnixMs, digest: bytes) -> list[bytes]:
        signed_at = now // 1000
        tags = [b" t=%d;" % signed_at]
        if self._expire_s is not None:
            tags.append(b" x=%d;" % (signed_at + self._expire_s))
        tags.append(b" bh=%b;" % b64encode(digest))
        return tags

    def _unsigned(
        self, key: SigningKey, tags: list[bytes], names: bytes, covered: bytes
    ) -> UnsignedField:
        pieces = [
            b"DKIM-Signature: v=1;",
            b" a=%b-sha256;" % key.type.encode(),
            b" c=%b;" % self._canonicalization,
            b" d=%b;" % key.domain.encode(),
            b" s=%b;" % key.selector.encode(),
            *tags,
        ]
        field = b"%b\r\n%b\r\n b=" % (_fold(pieces), names)
        # Section 3.7: the field itself comes last, b= empty, without its CRLF.
        if self._header_algorithm == "relaxed":
            own = b"dkim-signature:" + field[len(b"DKIM-Signature: ") :].replace(b"\r\n", b"")
        else:
            own = field
        return UnsignedField(private=key.private, data=covered + own, field=field)


def signature_names(fields: bytes) -> tuple[str, ...]:
    """Return under which DNS names the keys of these signatures, made by us, are published."""
    return tuple(
        [f"{found[2].decode()}._domainkey.{found[1].decode()}" for found in _NAMES.finditer(fields)]
    )


def _h_tag(present: tuple[bytes, ...]) -> bytes:
    """Return the h= tag: what is there, then once more each name that must not be added."""
    there = [name for name in _OVERSIGNED_IF_THERE if name in present]
    names = [name + b":" for name in (*present, *_OVERSIGNED, *there)]
    names[0] = b" h=" + names[0]
    names[-1] = names[-1][:-1] + b";"
    return _fold(names)


def _header_block(content: bytes, header_octets: int) -> bytes:
    """Return the header block without its last CRLF and the empty line (C5)."""
    end = content.find(b"\r\n\r\n")
    if end + 4 != header_octets and not (
        end < 0 and header_octets == len(content) and content.endswith(b"\r\n")  # header only
    ):
        raise UnsignableMessageError("the header block does not end at the first empty line")
    header = content[: end if end >= 0 else -2]
    line_ends = header.count(b"\r\n")
    if header.count(b"\r") != line_ends or header.count(b"\n") != line_ends:
        raise UnsignableMessageError("a bare CR or LF in the header")
    if header[:1] in (b" ", b"\t"):
        raise UnsignableMessageError("the header begins with a continuation line")
    return header


def _collect(fields: list[bytes]) -> dict[bytes, list[bytes]]:
    """Return the fields worth signing by lower-case name, in order; refuse what is ambiguous (C5, D1)."""
    found: dict[bytes, list[bytes]] = {}
    for field in fields:
        name, colon, _ = field.partition(b":")
        if not colon or not name or name.translate(None, _FIELD_NAME_OCTETS):
            raise UnsignableMessageError(
                "a line of the header is neither a field nor a continuation"
            )
        name = name.lower()
        if name in _KNOWN:
            if name not in found:
                found[name] = [field]
            elif name in _SINGLETONS:
                raise UnsignableMessageError(f"more than one {name.decode()} field")
            else:
                found[name].append(field)
    if b"from" not in found:
        raise UnsignableMessageError("no From field")  # RFC 6376 section 5.4: MUST be signed
    return found


def _fold(pieces: list[bytes]) -> bytes:
    """Join pieces, with a line break before each that would make its line too long."""
    out: list[bytes] = []
    column = 0
    for piece in pieces:
        if column + len(piece) > LINE_OCTETS and column:
            out.append(b"\r\n")
            if piece[:1] != b" ":
                out.append(b" ")
            column = 1
        out.append(piece)
        column += len(piece)
    return b"".join(out)
