"""What hosts have shown of their TLS, remembered for a while: where opportunistic TLS does without it, and where it may
not (D6)."""

from collections.abc import Callable
from typing import Final

from angarium.mta.transport.host_memory import HostMemory
from angarium.queue.model import UnixMs

# Sessions in a row that died under TLS, though they had shaken hands, before TLS counts as broken. Ours: one may be
# chance, and each costs an attempt at worst.
DEATHS: Final = 2


class TlsMemory:
    """In memory only: after a restart each host is tried once more.

    Invariant TM1: a host that demands TLS is never remembered as one to be spoken to in the clear.
    """

    def __init__(self, memory_s: float, clock: Callable[[], UnixMs]) -> None:
        self._broken: HostMemory[str] = HostMemory(memory_s, clock)  # why
        self._demanded: HostMemory[bool] = HostMemory(memory_s, clock)
        self._deaths: HostMemory[int] = HostMemory(memory_s, clock)

    def find_reason(self, host: str, address: str) -> str | None:
        """Return why TLS is done without at this host, if it is."""
        return self._broken.find(host, address)

    def is_demanded(self, host: str, address: str) -> bool:
        return self._demanded.find(host, address) is not None

    def remember_for(self, memory_s: float) -> None:
        """What is shown from now on; of what is remembered longer, the rest is forgotten."""
        for memory in (self._broken, self._demanded, self._deaths):
            memory.remember_for(memory_s)

    def forget_all(self) -> None:
        for memory in (self._broken, self._demanded, self._deaths):
            memory.forget_all()

    def broke(self, host: str, address: str, reason: str) -> None:
        """No session came about under TLS."""
        if not self.is_demanded(host, address):  # TM1
            self._broken.remember(host, address, reason)

    def died(self, host: str, address: str, reason: str) -> None:
        """A session under TLS ended before it had carried its first message."""
        deaths = (self._deaths.find(host, address) or 0) + 1
        if deaths < DEATHS:
            self._deaths.remember(host, address, deaths)
        else:
            self._deaths.forget(host, address)
            self.broke(host, address, reason)

    def worked(self, host: str, address: str) -> None:
        """A message went through under TLS."""
        self._deaths.forget(host, address)

    def demanded(self, host: str, address: str) -> None:
        """In the clear, the host asked for TLS: whatever its TLS is like, there is no way without."""
        self._broken.forget(host, address)  # TM1
        self._demanded.remember(host, address, True)
