"""The addresses in a plain text that may be counted. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from angarium.content.leaving_words import which_speak_of_leaving
from angarium.tracking.codes import has_code
from angarium.tracking.octets import Characters
from angarium.tracking.targets import Left, Place, target_of_address

# Of ASCII: what goes on in other letters has no end that is certain, so it is none
_ADDRESS: Final = re.compile(
    r"(?<![A-Za-z0-9])https?://[!#-;=?-\[\]_a-z{|}~%]++(?![^\x00-\x7f])", re.IGNORECASE | re.ASCII
)
_ENDS: Final = ".,;:!?'*_~|"  # of the sentence, not of the address
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}
_BEFORE: Final = 200  # characters that may say what an address is for


def find_text_links(text: Characters, left: Left, *, is_spaced: bool) -> Iterator[Place]:
    """Yield them in order. ``is_spaced``: an address at the end of a line may go on in the next."""
    places: list[Place] = []
    said: list[str] = []
    behind = 0
    for found in _ADDRESS.finditer(text.text):
        address = _without_end(found[0])
        start, stop = found.start(), found.start() + len(address)
        begin, behind = max(behind, _two_lines_before(text.text, start)), stop
        target = None if has_code(address) else target_of_address(address)
        goes_on = is_spaced and text.text.startswith(" \r\n", found.end())
        if target is None or goes_on or left.has(target):
            continue
        said.append(text.words(text.text[begin:stop]))
        places.append(Place(start=start, stop=stop, is_quoted=True, target=target))
    leaving = which_speak_of_leaving(said)
    return (place for place, is_leaving in zip(places, leaving, strict=True) if not is_leaving)


def _without_end(address: str) -> str:
    while True:
        last = address[-1]
        if last in _PAIRS:
            if address.count(last) <= address.count(_PAIRS[last]):
                return address
        elif last not in _ENDS:
            return address
        address = address[:-1]


def _two_lines_before(text: str, at: int) -> int:
    """Return where the line before that of a place begins, or somewhat later."""
    low = max(0, at - _BEFORE)
    line = text.rfind("\n", low, at)
    return low if line < 0 else max(low, text.rfind("\n", low, line) + 1)
