"""One version of a template with all that rendering it needs, as it was when it was saved. Pure values.

Whoever stores versions makes a bundle at save; a renderer needs nothing else.
"""

import hashlib
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from angarium.templates.variables import Variable

# Ours, as all of these: twice of what the largest vendor's templates may have, per part
MAX_PART_OCTETS: Final = 1 << 20
MAX_SUBJECT_OCTETS: Final = 4096  # the source of a subject or preheader, with its tags
MAX_BUNDLE_OCTETS: Final = 8 << 20
MAX_LOCALES: Final = 100
MAX_PIECES: Final = 100
MAX_VARIABLES: Final = 1000
MAX_NAME_CHARACTERS: Final = 100  # of a template, a locale, a variable

Part = Literal["subject", "preheader", "html", "text", "amp"]
PARTS: Final[tuple[Part, ...]] = ("subject", "preheader", "html", "text", "amp")
Syntax = Literal["jinja", "mustache"]


class Parts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The sources of one mail in one language."""

    subject: str = ""
    preheader: str = ""
    html: str | None = None  # MJML in a bundle of that kind
    text: str | None = None  # None: made of the HTML
    amp: str | None = None

    def source(self, part: Part) -> str | None:
        """Return what is written for a part; None: there is none."""
        match part:
            case "subject":
                return self.subject or None
            case "preheader":
                return self.preheader or None
            case "html":
                return self.html
            case "text":
                return self.text
            case "amp":
                return self.amp


class Piece(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A layout or a partial of the tenant's. A part that includes it gets its source of the same part."""

    locales: Mapping[str, Parts]  # by language tag
    default_locale: str = "en"


class Bundle(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version, self-contained. Sources are MiniJinja's; a vendor's mustache was translated before."""

    locales: Mapping[str, Parts]  # by language tag, the default one at least
    default_locale: str = "en"
    kind: Literal["html", "mjml"] = "html"
    # What the author wrote in. Mustache's missing variables are empty, whatever ``missing`` says
    syntax: Syntax = "jinja"
    layout: str = ""  # a piece that has a block ``content``, which HTML and text are put into
    pieces: Mapping[str, Piece] = {}  # layouts and partials that it names, and those that they name
    variables: Mapping[str, Variable] | None = None  # None: nothing is said of them, any will do
    # Of a variable that is not given: refused, or empty
    missing: Literal["strict", "lenient"] = "strict"
    time_zone: str = "UTC"  # in which moments are written, where the template does not say

    @property
    def digest(self) -> str:
        """Its name where it is stored and cached: SHA-256 of its encoding, in hexadecimal digits."""
        return encoded_digest(encode_bundle(self))


class BundleError(ValueError):
    """Octets that are no bundle."""


_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")
_DECODER: Final = msgspec.msgpack.Decoder(Bundle)


def encode_bundle(bundle: Bundle) -> bytes:
    """Return octets that are the same for equal bundles, so that they can be stored by their digest."""
    return _ENCODER.encode(bundle)


def decode_bundle(encoded: bytes) -> Bundle:
    """Read what ``encode_bundle`` wrote, now or in an earlier version. Raises BundleError."""
    try:
        return _DECODER.decode(encoded)
    except msgspec.MsgspecError as error:
        raise BundleError(f"not a template's bundle: {error}") from error


def encoded_digest(encoded: bytes) -> str:
    """Return the digest of a bundle that is encoded already."""
    return hashlib.sha256(encoded).hexdigest()
