"""The code of a sender's postal address, and whether a message may have codes at all. Pure."""

import html
import re
from collections.abc import Iterator
from typing import Final

from angarium.tracking.codes import has_code
from angarium.tracking.edits import Edit
from angarium.tracking.octets import Characters

_CODE: Final = re.compile(r"\{\{\{?\s*postal_address\s*\}?\}\}")
# As written in octets, also within a word that quoted-printable folds
_SOFT: Final = b"=\r\n"
_BASE64: Final = re.compile(rb"content-transfer-encoding:[ \t]*base64", re.IGNORECASE)


def may_have_codes(content: bytes) -> bool:
    """Whether it is worth reading for codes: an encoded part may have some, and nothing else says so."""
    if _BASE64.search(content) is not None:
        return True
    text = (content.replace(_SOFT, b"") if _SOFT in content else content).decode("latin-1")
    return _CODE.search(text) is not None or has_code(text)


def of_address(characters: Characters, address: str, *, is_html: bool) -> Iterator[Edit]:
    """Yield where the code stands in a part, and the address in its place; nothing where there is no address."""
    if not address:
        return
    lines = address.splitlines()
    written = "<br>".join(map(html.escape, lines)) if is_html else "\r\n".join(lines)
    octets = written.encode(characters.charset, "xmlcharrefreplace" if is_html else "replace")
    for found in _CODE.finditer(characters.text):
        yield Edit(start=found.start(), stop=found.end(), text=octets.decode(characters.codec))
