"""What is to come again of a stretch of events, and how much of it has come. Pure."""

from collections.abc import Sequence


class Holes:
    """Sequence numbers are asked about in order; ``undo`` goes back to where ``keep`` was."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        """``spans``: first and last of each, in order, none in another."""
        self._spans = spans
        self._at = 0  # the first span that something may come of
        self._kept = (0, 0, 0)
        self.reached = 0  # the last number that was asked about, as far as there are holes
        self.missed = 0  # numbers in holes that did not come

    @property
    def first(self) -> int | None:
        """Of what is to come; None: nothing."""
        return self._spans[self._at][0] if self._at < len(self._spans) else None

    @property
    def is_ahead(self) -> bool:
        """Whether more has come, or did not, than is kept."""
        return (self._at, self.reached, self.missed) != self._kept

    def reach(self, sequence: int) -> bool:
        """Return whether it is in a hole. What is before it and did not come will not."""
        if self._at == len(self._spans) or sequence <= self.reached:
            return False
        found = False
        while self._at < len(self._spans):
            first, last = self._spans[self._at]
            if sequence < first:
                break
            found = sequence <= last
            self.missed += min(sequence - found, last) - max(first, self.reached + 1) + 1
            if sequence < last:
                break
            self._at += 1
        self.reached = sequence
        return found

    def keep(self) -> None:
        self.missed = 0
        self._kept = (self._at, self.reached, self.missed)

    def undo(self) -> None:
        """What came since does not come again: it is missed by who asks next."""
        self._at, self.reached, self.missed = self._kept
