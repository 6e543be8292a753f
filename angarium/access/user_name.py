"""How users' names are compared: by the mappings of UsernameCaseMapped (RFC 8265 section 3.3). Pure.

A name is kept and shown as it was given; what is compared is its width-mapped, lower-case, NFC form. So
``Joe@Example.com`` logs in as ``joe@example.com``, from every keyboard. The section's classes of characters are not
enforced: which names may be given is ``credential_file.check_name``'s to say.
"""

import unicodedata
from collections.abc import Iterable
from typing import Final

_WIDTHS: Final = ("<wide>", "<narrow>")


def comparable_name(name: str) -> str:
    """Return what stands for the name in a comparison; the same for what it returns."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", "".join(map(_of_usual_width, name)).lower())


def names_by_comparison(names: Iterable[str]) -> dict[str, str]:
    """Return each name by its comparable form; names that share one, of an old file, are left out: exact only."""
    found: dict[str, str] = {}
    ambiguous: set[str] = set()
    for name in names:
        key = comparable_name(name)
        if found.setdefault(key, name) != name:
            ambiguous.add(key)
    return {key: name for key, name in found.items() if key not in ambiguous}


def _of_usual_width(character: str) -> str:
    """RFC 8265 section 3.3.2: full-width and half-width forms become what they stand for."""
    kind, _, code_points = unicodedata.decomposition(character).partition(" ")
    if kind not in _WIDTHS:
        return character
    return "".join(chr(int(each, 16)) for each in code_points.split())
