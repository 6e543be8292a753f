"""The shapes that are kept, and for whom it is worth the while. Pure."""

from collections import OrderedDict
from typing import Final

from angarium.templates.shapes.recording import Recorded
from angarium.templates.shapes.shape import (
    MAX_CHARACTERS,
    Finish,
    Finished,
    Pinned,
    Shape,
    prepare,
)

# Ours, of all shapes together: some 20 MB
MAX_KEPT: Final = 4 << 20
MAX_SEEN: Final = 512  # ours, of one template
# Ours: a template whose mails are all of another shape is let alone after a few hundred of them
FIRST_CREDIT: Final = 400
MAX_CREDIT: Final = 1000
_PREPARING: Final = 3  # as long as so many mails
_IN_VAIN: Final = 30

# How it is finished, whether a text is made of it, and what is written
_Key = tuple[str, bool, str]
Known = Shape | Pinned | None  # None: it has no shape


class Shapes:
    """Invariant FL4: at most MAX_KEPT characters are kept, the last used ones.

    They are told apart by what is written alone: two templates that write the same have the same shape.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, Known] = OrderedDict()
        self._characters = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: _Key) -> bool:
        return key in self._kept

    def find(self, key: _Key) -> Known:
        self._kept.move_to_end(key)
        return self._kept[key]

    def add(self, key: _Key, known: Known) -> None:
        self._kept[key] = known
        self._characters += _size(key, known)
        while self._characters > MAX_KEPT and len(self._kept) > 1:
            self._characters -= _size(*self._kept.popitem(last=False))  # FL4


def _size(key: _Key, known: Known) -> int:
    return len(key[2]) + (0 if known is None else known.characters)


class Shaping:
    """Of one template: what is prepared is what was seen twice."""

    def __init__(self, shapes: Shapes, finish: Finish) -> None:
        self._shapes = shapes
        self._finish = finish
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._credit = FIRST_CREDIT

    @property
    def is_worthwhile(self) -> bool:
        return self._credit > 0

    def finished(self, recorded: Recorded, *, wants_text: bool) -> Finished | None:
        """Return what is sent of it; None: it has to be finished by itself."""
        plain = recorded.without_odd()
        found = None if plain is None else self._filled(plain, wants_text)
        if found is None:
            self.miss()
        else:
            self._credit = min(self._credit + 1, MAX_CREDIT)
        return found

    def miss(self) -> None:
        """It was of no use for a mail."""
        self._credit -= 1

    def _filled(self, recorded: Recorded, wants_text: bool) -> Finished | None:
        known = self._known(recorded, wants_text)
        if isinstance(known, Pinned):
            recorded = recorded.pinned(known.numbers)
            known = self._known(recorded, wants_text)
        return known.fill(recorded) if isinstance(known, Shape) else None

    def _known(self, recorded: Recorded, wants_text: bool) -> Known:
        key = (self._finish.name, wants_text, recorded.text)
        if key in self._shapes:
            return self._shapes.find(key)
        if len(recorded.text) > MAX_CHARACTERS or not self._is_seen(hash(key)):
            return None
        known = prepare(recorded, self._finish, wants_text=wants_text)
        self._credit -= _IN_VAIN if known is None else _PREPARING
        self._shapes.add(key, known)
        return known

    def _is_seen(self, mark: int) -> bool:
        """Whether it was seen before; it is from now on."""
        if mark in self._seen:
            del self._seen[mark]
            return True
        self._seen[mark] = None
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        return False
