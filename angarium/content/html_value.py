"""What an attribute's value means: its character references resolved (HTML standard, section 13.2.5.72). Pure."""

import re
from html import unescape
from html.entities import html5
from typing import Final

_REFERENCE: Final = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|([A-Za-z][A-Za-z0-9]*)(;?)(=?))")


def attribute_value(written: str) -> str:
    """Return it as browsers do: unlike in text, ``&copy=`` and ``&copyx`` are none, since they stand in addresses."""
    if "&" not in written:
        return written
    if written.count("&") == written.count("&amp;"):  # as mostly
        return written.replace("&amp;", "&")
    return _REFERENCE.sub(_resolved, written)


def _resolved(found: re.Match[str]) -> str:
    name, end, equals = found[1], found[2], found[3]
    if name is None:
        return unescape(found[0])
    if end:
        return html5.get(name + end, found[0][: len(found[0]) - len(equals)]) + equals
    return found[0] if equals else html5.get(name, found[0])
