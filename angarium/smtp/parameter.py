"""ESMTP parameters of MAIL and RCPT, by table: what is not in the table is refused (S10).

Sources: SIZE RFC 1870, BODY RFC 6152, SMTPUTF8 RFC 6531, AUTH RFC 4954, RET ENVID NOTIFY ORCPT RFC 3461. Knows
nothing of limits or state.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeVar

import msgspec

from angarium.smtp.envelope import Notify
from angarium.smtp.refusal import RefusedError
from angarium.smtp.xtext import decode_xtext, find_utf8

ENVID_OCTETS: Final = 100  # RFC 3461 section 4.4
ORCPT_OCTETS: Final = 500  # RFC 3461 section 4.2
SIZE_DIGITS: Final = 20  # RFC 1870 section 3

_ATOM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_CANNOT_STAND_IN_XTEXT: Final = re.compile(r"[^!-~]")
_CANNOT_STAND_IN_UTF8_XTEXT: Final = re.compile(r"[^!-~]|[+=\\]")  # RFC 6533 section 3, QCHAR


class MailParameters(msgspec.Struct, kw_only=True):
    size: int | None = None
    body: Literal["7BIT", "8BITMIME"] | None = None
    smtputf8: bool = False
    ret: Literal["FULL", "HDRS"] | None = None
    envid: str | None = None
    auth: str | None = None  # who first submitted it, says the client; nothing relies on it


class RecipientParameters(msgspec.Struct, kw_only=True):
    notify: int | None = None
    orcpt: str | None = None


def _bad(name: str) -> RefusedError:
    return RefusedError(501, "5.5.4", f"Bad value of parameter {name}")


def _size(found: MailParameters, value: str) -> None:
    if not (value.isdecimal() and value.isascii() and len(value) <= SIZE_DIGITS):
        raise _bad("SIZE")
    found.size = int(value)


def _body(found: MailParameters, value: str) -> None:
    match value.upper():
        case "7BIT":
            found.body = "7BIT"
        case "8BITMIME":
            found.body = "8BITMIME"
        case _:  # BINARYMIME among them: it is not offered
            raise RefusedError(501, "5.5.4", "BODY must be 7BIT or 8BITMIME")


def _smtputf8(found: MailParameters, value: str) -> None:
    if value:
        raise _bad("SMTPUTF8")
    found.smtputf8 = True


def _ret(found: MailParameters, value: str) -> None:
    match value.upper():
        case "FULL":
            found.ret = "FULL"
        case "HDRS":
            found.ret = "HDRS"
        case _:
            raise _bad("RET")


def _envid(found: MailParameters, value: str) -> None:
    if not 0 < len(value) <= ENVID_OCTETS:
        raise _bad("ENVID")
    found.envid = decode_xtext(value, "ENVID")


def _auth(found: MailParameters, value: str) -> None:
    if not 0 < len(value) <= ORCPT_OCTETS:
        raise _bad("AUTH")
    found.auth = decode_xtext(value, "AUTH")


_NOTIFY_WORDS: Final = {
    "NEVER": Notify.NEVER,
    "SUCCESS": Notify.SUCCESS,
    "FAILURE": Notify.FAILURE,
    "DELAY": Notify.DELAY,
}


def _notify(found: RecipientParameters, value: str) -> None:
    words = value.upper().split(",")
    flags = [_NOTIFY_WORDS.get(word) for word in words]
    if None in flags or ("NEVER" in words and len(words) > 1):  # NEVER stands alone
        raise _bad("NOTIFY")
    found.notify = sum({int(flag) for flag in flags if flag is not None})


def _code_point(match: re.Match[str]) -> str:
    return f"\\x{{{ord(match[0]):X}}}"


def _orcpt(found: RecipientParameters, value: str) -> None:
    kind, semicolon, address = value.partition(";")
    if not semicolon or not address or len(value) > ORCPT_OCTETS or not _ATOM.fullmatch(kind):
        raise _bad("ORCPT")
    if kind.lower() == "utf-8":  # RFC 6533 section 3: raw UTF-8 has this ASCII form, which we keep
        address = _CANNOT_STAND_IN_XTEXT.sub(_code_point, address)
    elif (text := find_utf8(address)) is not None:  # Postfix 3.7 sends rfc822;+D0+BF... so
        kind, address = "utf-8", _CANNOT_STAND_IN_UTF8_XTEXT.sub(_code_point, text)
    found.orcpt = f"{kind};{decode_xtext(address, 'ORCPT')}"


_MAIL: Final[Mapping[str, Callable[[MailParameters, str], None]]] = {
    "SIZE": _size,
    "BODY": _body,
    "SMTPUTF8": _smtputf8,
    "RET": _ret,
    "ENVID": _envid,
    "AUTH": _auth,
}
_RECIPIENT: Final[Mapping[str, Callable[[RecipientParameters, str], None]]] = {
    "NOTIFY": _notify,
    "ORCPT": _orcpt,
}


_Found = TypeVar("_Found", MailParameters, RecipientParameters)


def _parse(text: str, table: Mapping[str, Callable[[_Found, str], None]], found: _Found) -> _Found:
    seen: set[str] = set()
    for word in text.split():
        name, equals, value = word.partition("=")
        if name.isascii():  # upper() makes ASCII of some other letters
            name = name.upper()
        read = table.get(name)
        if read is None:
            raise RefusedError(555, "5.5.4", "Unsupported parameter of MAIL or RCPT")
        if name in seen:
            raise RefusedError(501, "5.5.4", f"Parameter {name} given twice")
        if (equals and not value) or not (value.isascii() or name == "ORCPT"):  # RFC 6533 section 3
            raise _bad(name)
        seen.add(name)
        read(found, value)
    return found


def parse_mail_parameters(text: str) -> MailParameters:
    """Raises RefusedError: 555 5.5.4 for an unknown one, 501 5.5.4 for a bad or repeated one."""
    return _parse(text, _MAIL, MailParameters())


def parse_recipient_parameters(text: str) -> RecipientParameters:
    """Raises RefusedError: 555 5.5.4 for an unknown one, 501 5.5.4 for a bad or repeated one."""
    return _parse(text, _RECIPIENT, RecipientParameters())
