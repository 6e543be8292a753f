"""Octets in text, as programs put files into JSON. Pure."""

import binascii
import re
from typing import Final

from angarium.intake.order import Fault, FaultError, FaultKind

_BLANKS: Final = re.compile(r"[ \t\r\n]+")


def read_base64(text: str, field: str) -> bytes:
    """Return what is encoded; blanks and line ends in it do not count. Raises FaultError."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # binascii.Error, and characters beyond ASCII
        pass
    try:
        return binascii.a2b_base64(_BLANKS.sub("", text), strict_mode=True)
    except ValueError as error:
        reason = str(error).lower() if text.isascii() else "it has other characters"
        message = f"{field}: is not base64 ({reason})"
        fault = Fault(kind=FaultKind.INVALID, message=message, field=field, constraint="base64")
        raise FaultError(fault) from None
