"""Text with marks where values go. Pure."""

from operator import itemgetter

from angarium.templates.shapes.places import AS_FILLED, FORMS, MARK


class Pieces:
    """Text between marks."""

    def __init__(self, marked: str, count: int) -> None:
        """``count``: of the values. What is filled in is all of them in each of the forms, one behind the other."""
        parts = MARK.split(marked)
        literals = parts[::3]
        places = [
            int(number) + count * FORMS.index(mark)
            for mark, number in zip(parts[1::3], parts[2::3], strict=True)
        ]
        self._parts = [""] * (2 * len(literals) - 1)
        self._parts[::2] = literals
        # Of one place, it would give no tuple
        self._pick = itemgetter(*places, places[0]) if places else None
        self.characters = len(marked)
        self.count = count
        # Of values that are written in their other form
        self.others = sorted({place - count for place in places if count <= place < 2 * count})
        self.has_unread = AS_FILLED in marked

    def fill(self, values: list[str]) -> str:
        """``values``: in as many forms as there are marks for."""
        if self._pick is None:
            return self._parts[0]
        parts = self._parts.copy()
        parts[1::2] = self._pick(values)[:-1]
        return "".join(parts)
