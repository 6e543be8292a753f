"""A mail as it is looked at: its parts, decoded. Pure values."""

from typing import Literal

import msgspec

from angarium.content.checking.rule import Broken

Known = Literal["right", "wrong", "unknown"]


class File(msgspec.Struct, frozen=True, kw_only=True):
    """An attachment."""

    filename: str = ""
    content_type: str = ""  # without parameters, lower case
    content_id: str = ""  # without angle brackets
    content: bytes = b""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    name: str = ""
    local_part: str = ""
    domain: str = ""  # lower case

    @property
    def address(self) -> str:
        return f"{self.local_part}@{self.domain}"


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    authors: tuple[Person, ...] = ()
    reply_to: tuple[Person, ...] = ()
    shown_recipients: int = 0  # in To and Cc
    subject: str = ""
    preheader: str = ""  # given beside the HTML
    text: str | None = None
    html: str | None = None
    amp: str | None = None
    files: tuple[File, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()  # of the header, unfolded and decoded
    octets: int = 0  # of all of it, as it is sent; 0: not known
    faults: tuple[Broken, ...] = ()  # what was found while it was read
    is_raw: bool = False  # its header is the client's own
    makes_text: bool = False  # where there is none, it is made of the HTML

    def values(self, name: str) -> list[str]:
        """Return the values of the fields of this name (lower case)."""
        return [value for each, value in self.fields if each.lower() == name]


class DomainFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the domain of From, as it was looked at last."""

    name: str
    is_verified: bool = True  # the tenant's
    is_signed: bool = True  # a DKIM key signs as it
    dkim: Known = "unknown"  # its record
    # Of the domain of the return path, which is the one that receivers look at
    spf: Known = "unknown"
    spf_domain: str = ""
    dmarc: Known = "unknown"
    troubles: tuple[tuple[str, str], ...] = ()  # of a record: what is wrong with it


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules need to know besides the mail."""

    is_bulk: bool = False  # it goes by a stream of mail that nobody waits for
    # False: parts alone are looked at, as of a template: nobody says from whom, and how
    is_whole: bool = True
    domain: DomainFacts | None = None  # None: nobody knows anything of it
    now_s: int | None = None  # Unix time; None: dates are not compared with it
