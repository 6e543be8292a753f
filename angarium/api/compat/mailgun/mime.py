"""A message of messages.mime: the fields in it that speak to Mailgun alone are options, and taken out. Pure."""

from typing import Any, Final

import msgspec

from angarium.api.compat.faults import json_object, unsupported
from angarium.api.compat.mailgun.fields import FormField
from angarium.api.compat.raw_mail import open_raw
from angarium.intake.order import FaultError, RawMail

_FIELD: Final = "message"
_PREFIX: Final = b"x-mailgun-"
_VARIABLES: Final = b"x-mailgun-variables"
_OPTIONS: Final = {
    b"x-mailgun-tag": "o:tag",
    b"x-mailgun-dkim": "o:dkim",
    b"x-mailgun-deliver-by": "o:deliverytime",
    b"x-mailgun-drop-message": "o:testmode",
    b"x-mailgun-track": "o:tracking",
    b"x-mailgun-track-clicks": "o:tracking-clicks",
    b"x-mailgun-track-opens": "o:tracking-opens",
    b"x-mailgun-require-tls": "o:require-tls",
    b"x-mailgun-skip-verification": "o:skip-verification",
}


class MimeOptions(msgspec.Struct, frozen=True, kw_only=True):
    mail: RawMail
    fields: tuple[FormField, ...]  # what it says, as a form would
    variables: dict[str, Any]


def read_mime(octets: bytes) -> MimeOptions:
    """Raises FaultError."""
    message = open_raw(octets, _FIELD)
    fields: list[FormField] = []
    variables: dict[str, Any] = {}
    own = {name for name in message.header.names if name.startswith(_PREFIX)}
    for name in sorted(own):
        title = name.decode().title()
        for value in message.values(name):
            if name == _VARIABLES:
                variables.update(json_object(value, title))
            elif name in _OPTIONS:
                fields.append(FormField(name=_OPTIONS[name], content=value.encode()))
            else:
                raise FaultError(unsupported(title, "take it out of the message"))
    content = message.without(own)
    if b"mime-version" not in message.header.names:
        content = b"MIME-Version: 1.0\r\n" + content
    return MimeOptions(mail=RawMail(content=content), fields=tuple(fields), variables=variables)
