"""Text with marks where values go. Pure."""

from operator import itemgetter

from angarium.templates.shapes.places import MARK, OTHER


class Pieces:
    """Text between marks."""

    def __init__(self, marked: str, count: int) -> None:
        """``count``: of the values. Their other forms stand behind them, in what is filled in."""
        parts = MARK.split(marked)
        literals = parts[::3]
        places = [
            int(number) + (count if mark == OTHER else 0)
            for mark, number in zip(parts[1::3], parts[2::3], strict=True)
        ]
        self._parts = [""] * (2 * len(literals) - 1)
        self._parts[::2] = literals
        # Of one place, it would give no tuple
        self._pick = itemgetter(*places, places[0]) if places else None
        self.characters = len(marked)
        self.count = count
        # Of values that are written in their other form
        self.others = sorted({place - count for place in places if place >= count})

    def fill(self, values: list[str]) -> str:
        """``values``: all of them, and then their other forms."""
        if self._pick is None:
            return self._parts[0]
        parts = self._parts.copy()
        parts[1::2] = self._pick(values)[:-1]
        return "".join(parts)
