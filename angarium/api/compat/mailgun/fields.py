"""The fields of a Mailgun request, told apart: which there are, which may be there several times. Pure.

Raises FaultError. Every field that Mailgun has works, or is refused by its name; an empty one is as none.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from angarium.api.compat.faults import invalid, unsupported
from angarium.intake.order import Fault, FaultError, FaultKind

_LISTS: Final = frozenset({"to", "cc", "bcc", "o:tag", "attachment", "inline"})
_FILES: Final = frozenset({"attachment", "inline", "message"})
_PLAIN: Final = frozenset(
    {
        *("from", "subject", "text", "html", "amp-html", "message", "recipient-variables"),
        *("o:deliverytime", "o:testmode", "o:tracking", "o:tracking-clicks", "o:tracking-opens"),
        *("o:dkim", "o:require-tls", "o:skip-verification"),
        *("template", "t:version", "t:text", "t:variables"),
    }
)
# Why what Mailgun has, we have not
_UNSUPPORTED: Final = {
    "o:secondary-dkim": "mail is signed as its own domain alone",
    "o:secondary-dkim-public": "mail is signed as its own domain alone",
    "o:deliverytime-optimize-period": "nothing is known of when people read; use o:deliverytime",
    "o:time-zone-localize": "nothing is known of where people are; use o:deliverytime",
    "o:sending-ip": "sources are chosen by the server's configuration",
    "o:sending-ip-pool": "sources are chosen by the server's configuration",
    "o:tracking-pixel-location-top": "the pixel has one place",
    "o:archive-to": "send it to that address, too (bcc)",
    "o:suppress-headers": "nothing of Mailgun's is in the header",
}
_SHOWN: Final = 80  # characters of a name that a client gave
# Clients in PHP number what there are several of
_NUMBER: Final = re.compile(r"\[[0-9]{0,4}\]$")


class FormField(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    content: bytes
    charset: str = "utf-8"  # of a text
    filename: str = ""  # "": it did not come as a file
    content_type: str = ""  # of a file, as the client wrote it

    def text(self) -> str:
        """Raises FaultError."""
        try:
            return self.content.decode(self.charset)
        except (UnicodeDecodeError, LookupError):
            name = self.name[:_SHOWN]
            text = f"{name} is no text in {self.charset[:40]}"
            fault = Fault(kind=FaultKind.MALFORMED, message=text, field=name)
            raise FaultError(fault) from None


class Fields(msgspec.Struct, frozen=True, kw_only=True):
    """What there is of each; nothing is empty but texts of headers and variables."""

    single: dict[str, str]  # by name
    several: dict[str, list[str]]  # to, cc, bcc, o:tag
    files: dict[str, list[FormField]]  # attachment, inline, message
    headers: tuple[tuple[str, str], ...]  # h:
    variables: dict[str, str]  # v:

    def one(self, name: str) -> str:
        return self.single.get(name, "")

    def all(self, name: str) -> Sequence[str]:
        return self.several.get(name, ())

    def is_on(self, name: str) -> bool | None:
        """Return what ``yes no true false`` says; None: nothing was said."""
        return _switch(name, self.one(name))


def sort_fields(form: Iterable[FormField]) -> Fields:
    single: dict[str, str] = {}
    several: dict[str, list[str]] = {}
    files: dict[str, list[FormField]] = {}
    headers: list[tuple[str, str]] = []
    variables: dict[str, str] = {}
    for field in form:
        name = _canonical(field.name)
        if name in _FILES:
            if field.content or field.filename:
                files.setdefault(name, []).append(field)
            continue
        if field.filename:
            raise FaultError(invalid(name, "is a text, and came as a file"))
        value = field.text()
        if name.startswith("h:"):
            headers.append((name[2:], value))
        elif name.startswith("v:"):
            if name[2:] in variables:
                raise FaultError(invalid(name, "is given twice"))
            variables[name[2:]] = value
        elif not value:
            _check_known(name)
        elif name in _LISTS:
            several.setdefault(name, []).append(value)
        else:
            _check(name, value)
            if name in single:
                raise FaultError(invalid(name, "is given twice"))
            single[name] = value
    if len(files.get("message", ())) > 1:
        raise FaultError(invalid("message", "is given twice"))
    return Fields(
        single=single,
        several=several,
        files=files,
        headers=tuple(headers),
        variables=variables,
    )


def _canonical(name: str) -> str:
    kind, colon, rest = name.partition(":")
    if colon and kind.lower() in ("h", "v"):
        return f"{kind.lower()}:{rest}"
    bare = _NUMBER.sub("", name.lower())
    return bare if bare in _LISTS else name.lower()


def _check(name: str, value: str) -> None:
    """Raises FaultError for what we lack, unless it asks for that not to be."""
    _check_known(name)
    reason = _UNSUPPORTED.get(name)
    if reason is not None and value.lower() not in ("no", "false"):
        raise FaultError(unsupported(name, reason))


def _check_known(name: str) -> None:
    if name in _PLAIN or name in _LISTS or name in _UNSUPPORTED:
        return
    shown = name[:_SHOWN]
    if name.startswith(("o:", "t:")):
        raise FaultError(unsupported(shown, "no such option is known"))
    text = f"{shown} is no field of this request"
    raise FaultError(Fault(kind=FaultKind.UNKNOWN_FIELD, message=text, field=shown))


def _switch(name: str, value: str) -> bool | None:
    match value.strip().lower():
        case "":
            return None
        case "yes" | "true" | "on" | "1":
            return True
        case "no" | "false" | "off" | "0":
            return False
        case "htmlonly" if name in ("o:tracking", "o:tracking-clicks"):
            return True  # links in plain text are never rewritten
    raise FaultError(invalid(name, "is not yes or no"))
