"""The egress queues of one delivery process, by source and site: made when mail comes, gone when nothing is left."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import msgspec

from angarium.config.schema import Delivery
from angarium.mta.egress.egress_queue import EgressQueue
from angarium.mta.egress.lease import PlaceKey
from angarium.mta.egress.shared import EgressShared
from angarium.mta.egress.work import Group, Work
from angarium.mta.transport.transfer import EgressPath
from angarium.queue import DueHead, MessageId
from angarium.routing.resolution import Site, SiteName


class _Chosen:
    """The queue of one message's recipients at one site, for as many of them as may share a transaction."""

    __slots__ = ("left", "queue")

    def __init__(self, queue: EgressQueue, left: int) -> None:
        self.queue = queue
        self.left = left


class EgressQueues:
    """Bounded by what is loaded: a queue that is unused for longer than its site is suspended goes."""

    def __init__(self, shared: EgressShared) -> None:
        self._shared = shared
        self._queues: dict[tuple[str, str, str], EgressQueue] = {}  # by source, site and provider
        self._retired: list[EgressQueue] = []  # take nothing new, and end what they carry
        self._touched: dict[EgressQueue, None] = {}
        self._chosen: dict[tuple[MessageId, SiteName], _Chosen] = {}  # of what is being pushed

    def __len__(self) -> int:
        return len(self._queues)

    def of_site(self, name: SiteName) -> list[EgressQueue]:
        """Return the queues to a site, one per source that mail for it waits for."""
        return [queue for (_, site, _), queue in self._queues.items() if site == name]

    def of_provider(self, name: str) -> list[EgressQueue]:
        return [queue for (_, _, provider), queue in self._queues.items() if provider == name]

    def waiting(self) -> Mapping[str, int]:
        """Return how many recipients wait in memory, by provider."""
        found: Counter[str] = Counter()
        for (_, _, provider), queue in self._queues.items():
            found[provider] += len(queue.ready)
        return found

    def by_path(self) -> Mapping[PlaceKey, list[EgressQueue]]:
        """Return the queues of each source and provider."""
        found: dict[PlaceKey, list[EgressQueue]] = {}
        for queue in self._queues.values():
            found.setdefault(queue.key, []).append(queue)
        return found

    def push(self, head: DueHead, site: Site) -> None:
        """Take a recipient in, by the path that the policy chooses for its group; ``kick_touched`` sets to work."""
        if head.in_doubt or head.source:  # by its own path, whatever the others of its message do
            queue = self._queue_of(
                self._shared.policy.choose(head, site, self._shared.clock()), site
            )
            queue.push(head)
            self._touched[queue] = None
            return
        key = (head.id.message_id, site.name)
        chosen = self._chosen.get(key)
        if chosen is None or not chosen.left:
            path = self._shared.policy.choose(head, site, self._shared.clock())
            queue = self._queue_of(path, site)
            chosen = self._chosen[key] = _Chosen(queue, queue.ready.most_of(head.stream))
        chosen.left -= 1
        chosen.queue.push(head)
        self._touched[chosen.queue] = None

    def move(self, group: Group, site: Site, path: EgressPath) -> None:
        """Have a group wait in the queue of another path."""
        queue = self._queue_of(path, site)
        queue.ready.put(group)
        if not self._touched:
            # Not at once: whoever moves it is being kicked itself
            asyncio.get_running_loop().call_soon(self.kick_touched)
        self._touched[queue] = None

    def kick_touched(self) -> None:
        self._chosen.clear()
        touched, self._touched = self._touched, {}
        for queue in touched:
            queue.kick()

    def kick_all(self) -> None:
        for queue in list(self._queues.values()):
            queue.kick()

    def kick_waiting(self) -> None:
        """Kick them but for those that wait in turn for a place: of thousands, these are nearly all."""
        for queue in list(self._queues.values()):
            if not queue.waits_in_turn:
                queue.kick()

    def forget_failures(self) -> None:
        for queue in self._queues.values():
            queue.forget_failures()

    def ask_anew(self) -> None:
        for queue in list(self._queues.values()):
            queue.ask_anew()

    def discard_unused(self) -> None:
        for key in [key for key, queue in self._queues.items() if queue.is_unused]:
            self._queues.pop(key).discard()
        for queue in [queue for queue in self._retired if queue.is_unused]:
            self._retired.remove(queue)
            queue.discard()

    def reload(
        self,
        settings: Delivery,
        renewed: Callable[[Site], Site | None],
        has: Callable[[EgressPath], bool],
    ) -> list[DueHead]:
        """Go on under new limits; returns what waits, to be routed anew.

        Queues whose site ``renewed`` does not return, or whose source is another, are retired: see ``drain_retired``.
        """
        self._shared = msgspec.structs.replace(self._shared, settings=settings)
        self._chosen.clear()
        heads: list[DueHead] = []
        for key, queue in list(self._queues.items()):
            heads += queue.put_back()
            site = renewed(queue.site)
            if site is not None and has(queue.path):
                queue.renew(site, settings)
            else:
                self._retired.append(self._queues.pop(key))
        return heads

    def drain_retired(self) -> tuple[list[Work], list[DueHead]]:
        """Return what retired queues have claimed and not begun, and what they could not claim: the disk was full."""
        work = self._drain(self._retired)
        return work, [head for queue in self._retired for head in queue.put_back()]

    @property
    def longest(self) -> int:
        """How many recipients are ready in the queue that has most."""
        return max((len(queue.ready) for queue in self._queues.values()), default=0)

    def drop_newest(self) -> list[DueHead]:
        """Take half of what is ready in the longest queue, newest first."""
        longest = max(self._queues.values(), key=lambda queue: len(queue.ready), default=None)
        return [] if longest is None else longest.ready.drop_newest(len(longest.ready) // 2)

    def drain(self) -> list[Work]:
        """Begin nothing new; returns claimed work that has not begun."""
        return self._drain([*self._queues.values(), *self._retired])

    def _drain(self, queues: Iterable[EgressQueue]) -> list[Work]:
        found = [work for queue in queues for work in queue.drain()]
        for work in found:
            self._shared.budget.free(work.octets)
        return found

    def _queue_of(self, path: EgressPath, site: Site) -> EgressQueue:
        key = (path.source, site.name, site.provider.name)
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = EgressQueue(self._shared, path, site, self)
        else:
            queue.follow(site)
        return queue
