"""What one session teaches about its host, for those that come after it."""

from collections.abc import Callable
from typing import Final

from angarium.mta.transport.host_memory import HostMemory
from angarium.mta.transport.remedy import Remedy
from angarium.mta.transport.tls_memory import TlsMemory
from angarium.queue.model import UnixMs

_NOTHING: Final[frozenset[Remedy]] = frozenset()


class Experience:
    """Of all hosts, in one delivery process: in memory only, bounded, each entry for its time."""

    def __init__(
        self, tls_memory_s: float, extension_memory_s: float, clock: Callable[[], UnixMs]
    ) -> None:
        self.tls: Final = TlsMemory(tls_memory_s, clock)
        self.remedies: Final[HostMemory[frozenset[Remedy]]] = HostMemory(extension_memory_s, clock)

    def remember_for(self, tls_memory_s: float, extension_memory_s: float) -> None:
        self.tls.remember_for(tls_memory_s)
        self.remedies.remember_for(extension_memory_s)

    def forget(self) -> None:
        self.tls.forget_all()
        self.remedies.forget_all()


class Lessons:
    """Of one session with one address of a host."""

    def __init__(
        self, experience: Experience, host: str, address: str, *, is_opportunistic: bool
    ) -> None:
        """``is_opportunistic``: no policy says whether TLS is used; else nothing of it is learned (D6)."""
        self._experience = experience
        self._at = (host, address)
        self._is_opportunistic = is_opportunistic

    @property
    def remedies(self) -> frozenset[Remedy]:
        return self._experience.remedies.find(*self._at) or _NOTHING

    def learn(self, remedy: Remedy) -> bool:
        """Return whether the next session will do otherwise."""
        if remedy is Remedy.WITH_TLS:
            if self._is_opportunistic:
                self._experience.tls.demanded(*self._at)
            return self._is_opportunistic
        self._experience.remedies.remember(*self._at, self.remedies | {remedy})
        return True

    def died_under_tls(self, reason: str) -> None:
        """It ended before it had carried its first message."""
        if self._is_opportunistic:
            self._experience.tls.died(*self._at, reason)

    def worked_under_tls(self) -> None:
        self._experience.tls.worked(*self._at)
