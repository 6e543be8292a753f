"""Who waits for a place of one source at one provider, where as many are open as may be. Pure."""

from typing import Final, Generic, TypeVar

from angarium.mta.egress.priority_turns import PriorityTurns

S = TypeVar("S")


class _Waiting(Generic[S]):
    __slots__ = ("priority", "seeker", "tenant")

    def __init__(self, seeker: S, priority: int, tenant: str) -> None:
        self.seeker: Final = seeker
        self.priority: Final = priority
        self.tenant: Final = tenant


class Ceiling(Generic[S]):
    """Seekers take turns as the mail does for which they want the place: a tenant with mail for a thousand sites of a
    provider waits as often as one with mail for a single one.
    """

    def __init__(self) -> None:
        self._waiting: dict[S, _Waiting[S]] = {}
        self._turns: PriorityTurns[_Waiting[S]] = PriorityTurns()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __contains__(self, seeker: S) -> bool:
        return seeker in self._waiting

    def has_other_than(self, seeker: S) -> bool:
        return len(self._waiting) > (seeker in self._waiting)

    def add(self, seeker: S, *, priority: int, tenant: str) -> None:
        """It wants a place for mail of that kind; it keeps its turn if it did so already."""
        known = self._waiting.get(seeker)
        if known is not None:
            if (known.priority, known.tenant) == (priority, tenant):
                return
            self._turns.remove(known)
        waiting = self._waiting[seeker] = _Waiting(seeker, priority, tenant)
        self._turns.add(waiting)

    def discard(self, seeker: S) -> None:
        waiting = self._waiting.pop(seeker, None)
        if waiting is not None:
            self._turns.remove(waiting)

    def take(self) -> S | None:
        """Return whose turn it is, and forget it; None: nobody waits."""
        waiting = self._turns.take()
        if waiting is None:
            return None
        self.discard(waiting.seeker)
        return waiting.seeker
