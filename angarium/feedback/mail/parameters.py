"""Values with parameters, as Content-Type has them (RFC 2045 section 5.1, RFC 2231). Pure."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from angarium.feedback.mail.charset import decode_as

# C2: ours, because no part of a report needs more (Exim's CVE-2024-39929 was in their continuations)
MAX_PARAMETERS: Final = 50
MAX_VALUE: Final = 4096
_PARAMETER: Final = re.compile(
    r";\s*([^\s=;*]{1,60})(?:\*(\d{1,2}))?(\*)?\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"?|([^;\s]*))"
)
_TYPE: Final = re.compile(r"\s*([^\s;/]{1,60})\s*/?\s*([^\s;]{0,80})")
_ESCAPED: Final = re.compile(r"\\(.)")


def read_parameters(value: str) -> tuple[str, Mapping[str, str]]:
    """Return the value itself, in lower case and without its parameters, and these by name in lower case."""
    value = value[:MAX_VALUE]
    found = _TYPE.match(value)
    if found is None:
        return "", {}
    name = f"{found[1]}/{found[2]}".rstrip("/").lower()
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for count, each in enumerate(_PARAMETER.finditer(value, found.end())):
        if count == MAX_PARAMETERS:
            break
        text = each[5] if each[4] is None else _ESCAPED.sub(r"\1", each[4])
        key = each[1].lower()
        if each[2] is None and each[3] is None:
            plain.setdefault(key, text)
        else:
            pieces.setdefault(key, {}).setdefault(int(each[2] or 0), (bool(each[3]), text))
    for key, numbered in pieces.items():
        plain.setdefault(key, _joined(numbered))
    return name, plain


def _joined(numbered: Mapping[int, tuple[bool, str]]) -> str:
    """Put the pieces of one value together (RFC 2231 section 4.1)."""
    charset, octets = "", b""
    for position, (is_encoded, text) in sorted(numbered.items()):
        if position == min(numbered) and is_encoded and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        octets += unquote_to_bytes(text) if is_encoded else text.encode("utf-8", "replace")
    return decode_as(octets, charset)
