"""What a template writes, its values taken out of it: text with gaps, and what stands in them. Pure."""

from collections.abc import Callable, Container, Sequence
from typing import Any, Final

from minijinja import safe

# Of Unicode's private use: none of them is printable, so that no value with one is put into a gap
GAP: Final = "\ue000"
_Markup: Final = type(safe(""))
# Between values while they are looked at, escaped and split again; a value that has it is no plain one
_BETWEEN: Final = "\u241f"
_BEFORE: Final = f" {_BETWEEN}"
_BEHIND: Final = f"{_BETWEEN} "
# Numbers, amounts and times are written with these in many languages: they count as spaces do
NO_BREAK: Final = "\u00a0"
_SPACES: Final = (NO_BREAK, "\u202f", "\u2009")
_JOINER: Final = "\u034f"  # printable, and yet left out of texts
# Within these, the engine writes a number as Python does
_LEAST: Final = 1e-4
_BELOW: Final = 1e16
# Each value is so many times as long at most when it is escaped, and each character so many octets
_ESCAPED: Final = 6
_OCTETS: Final = 4


class Recorder:
    """What the engine asks of each value that it writes."""

    def __init__(self, shown: Callable[[Any], Any]) -> None:
        """``shown``: what is written for a value that is no text; NotImplemented: the engine knows."""
        self._shown = shown
        self._values: list[str] = []
        self._has_whole = False

    def begin(self, *, has_whole: bool) -> None:
        """``has_whole``: a number that is given as 3 may be 3.0, which the engine alone knows, and writes so."""
        self._values = []
        self._has_whole = has_whole

    def recorded(self, text: str) -> "Recorded | None":
        """What was written since ``begin``; None: it has gaps of others, so that it cannot be told."""
        values, self._values = self._values, []
        # That the author wrote, or that stand in what he says is safe
        return Recorded(text, values) if text.count(GAP) == len(values) else None

    def finalize(self, value: Any) -> Any:
        """Leave a gap for a text; what is HTML already, or of a type that the engine knows, stays in the text."""
        if type(value) is not str:
            value = self._written(value)
            if value is NotImplemented:
                return value
        if not value:
            return value  # an element without a text is another one than with it
        self._values.append(value)
        return GAP

    def _written(self, value: Any) -> Any:
        """Return the text of it; NotImplemented: it has none of its own."""
        kind = type(value)
        if kind is _Markup:
            return NotImplemented
        shown = self._shown(value)
        if type(shown) is str:
            return shown
        if kind is int and not self._has_whole:
            return str(value)
        if kind is float and _LEAST <= abs(value) < _BELOW:
            return repr(value)
        return NotImplemented


class Recorded:
    """Text with gaps, and its values. Those are put into it as the engine would have: escaped."""

    def __init__(self, text: str, values: list[str]) -> None:
        self.text: Final = text
        self.values: Final = values
        self.joined: Final = _BETWEEN.join(values)

    def without_odd(self) -> "Recorded | None":
        """Return it with plain values alone, and all others in the text; None: those have gaps themselves.

        Plain values are words that mean nothing to whoever reads HTML, once they are escaped: printable, and with
        single spaces, which stand within them.
        """
        if not self.values or _are_plain(self.joined, len(self.values)):
            return self
        odd = {at for at, each in enumerate(self.values) if not _are_plain(each, 1)}
        pinned = self.pinned(odd)
        return pinned if pinned.text.count(GAP) == len(pinned.values) else None

    def pinned(self, numbers: Container[int]) -> "Recorded":
        """Return it with some of the values in the text."""
        literals = self.text.split(GAP)
        parts = [literals[0]]
        left: list[str] = []
        for at, value in enumerate(self.values):
            if at in numbers:
                parts.append(escaped(value))
            else:
                parts.append(GAP)
                left.append(value)
            parts.append(literals[at + 1])
        return Recorded("".join(parts), left)

    @property
    def most_octets(self) -> int:
        """What is filled in is no longer than this."""
        return _OCTETS * (len(self.text) + _ESCAPED * len(self.joined))

    def has_only(self, character: str) -> bool:
        """Whether some plain value is nothing but these, and spaces."""
        joined = self.joined
        # Mostly there is none at the end of a value, and that is seen at once
        return (f"{character}{_BETWEEN}" in joined or joined.endswith(character)) and not all(
            each.strip(f"{character} {NO_BREAK}") for each in self.values
        )

    def replaced(self, pairs: Sequence[tuple[str, str]]) -> list[str]:
        """Return plain values, with characters replaced in order."""
        joined = self.joined
        for old, new in pairs:
            if old in joined:
                joined = joined.replace(old, new)
        return self.values if joined is self.joined else joined.split(_BETWEEN)

    def filled(self) -> str:
        """Return what the engine would have written."""
        return self.pinned(range(len(self.values))).text


def _are_plain(joined: str, count: int) -> bool:
    if not joined.isprintable():
        for space in _SPACES:
            joined = joined.replace(space, " ")
        if not joined.isprintable():
            return False
    return (
        joined.count(_BETWEEN) == count - 1
        and joined[:1] != " " != joined[-1:]
        and "  " not in joined
        and _BEFORE not in joined
        and _BEHIND not in joined
        and _JOINER not in joined
    )


def escaped(value: str) -> str:
    """As the engine does it, but for slashes, which are left as they are."""
    for old, new in ESCAPES:
        value = value.replace(old, new)
    return value


ESCAPES: Final = (
    ("&", "&amp;"),
    ("<", "&lt;"),
    (">", "&gt;"),
    ('"', "&quot;"),
    ("'", "&#x27;"),
)
