"""Where a recipient is now, as far as only the delivery process knows: for ``explain``. Changes nothing."""

import msgspec

from angarium.mta.backlog import Backlog, Lane
from angarium.mta.egress.egress_queue import EgressQueue
from angarium.mta.egress.lease import LiveConnection, opening_text
from angarium.mta.egress.places import Places
from angarium.mta.egress.queues import EgressQueues
from angarium.mta.egress.reasons import Reasons
from angarium.mta.egress.work import Group
from angarium.mta.live_state import LiveState
from angarium.queue.model import DeliveryId, UnixMs
from angarium.routing.resolution import Site


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    state: LiveState
    text: str = ""  # why
    source: str = ""  # by which it is to leave, or leaves
    host: str = ""
    connection: int | None = None  # LiveConnection.id
    since: UnixMs | None = None
    until: UnixMs | None = None


class WhereaboutsFinder:
    """Looks through what is in memory: some microseconds per connection that is open."""

    def __init__(
        self, backlog: Backlog, places: Places, queues: EgressQueues, reasons: Reasons
    ) -> None:
        self._backlog = backlog
        self._places = places
        self._queues = queues
        self._reasons = reasons

    def find(
        self,
        delivery: DeliveryId,
        site: Site | None,
        now: UnixMs,
        *,
        in_flight: bool,
        is_resolving: bool,
    ) -> Whereabouts:
        """``site``: of its domain, if it is known. ``in_flight``: its attempt has begun, as the queue says."""
        carrying = self._places.find_carrying(delivery)
        if carrying is not None:
            return _with(carrying, "transfer")
        lane = self._backlog.find_lane(delivery)
        if lane is None and not in_flight:
            queues = [] if site is None else self._queues.of_site(site.name)
            return self._find_suspension(queues) or Whereabouts(state="on_disk")
        if is_resolving and lane is not None:
            return Whereabouts(state="resolving")
        if site is not None:
            queues = self._queues.of_site(site.name)
        else:  # what waits for long outlives the DNS answers that led to it
            queues = [] if lane is None else self._queues.of_provider(lane.provider)
        placed = _find_group(queues, delivery)
        source, moved = "", ""
        if placed is not None:
            queue, group, until = placed
            source, moved = queue.path.source, group.moved
            if until > now and lane is not None:
                return self._wait(lane, source, moved, until, now)
        if site is None:
            return Whereabouts(state="claimed" if in_flight else "waiting")
        mine = queues if placed is None else [placed[0]]
        kept = _opening_waits(mine)
        opening = [
            each
            for each in self._places.open_connections()
            if each.site == site.name and each.stage == "opening" and source in ("", each.source)
        ]
        if opening:
            found = _with(opening[0], "opening")
            text = _joined(opening_text(opening[0], now), kept, moved)
            return msgspec.structs.replace(found, text=text)
        if in_flight:
            return Whereabouts(state="claimed", text=kept)
        text = _joined(*map(self._places_text, mine), kept, moved)
        return self._find_suspension(mine) or Whereabouts(state="waiting", text=text, source=source)

    def _wait(self, lane: Lane, source: str, moved: str, until: UnixMs, now: UnixMs) -> Whereabouts:
        """Say what its lane last waited for at the source where it is; until it is asked for again, at least."""
        waits = self._reasons.reasons_of(
            tenant=lane.tenant, provider=lane.provider, stream=lane.stream
        )
        last = next((each for each in waits if each.source == source and each.until > now), None)
        return Whereabouts(
            state="policy",
            text=_joined("" if last is None else last.reason, moved),
            source=source,
            since=None if last is None else last.at,
            until=until if last is None else last.until,
        )

    def _find_suspension(self, queues: list[EgressQueue]) -> Whereabouts | None:
        for queue in queues:
            found = queue.find_suspension()
            if found is not None:
                failure, until = found
                attempt = failure.attempt
                return Whereabouts(
                    state="suspended",
                    text=attempt.text,
                    source=queue.path.source,
                    host=attempt.host,
                    until=until,
                )
        return None

    def _places_text(self, queue: EgressQueue) -> str:
        key, limit = queue.key, queue.limits.connections
        text = f"{self._places.taken(key)} of {limit} places at {key.provider} are taken"
        if self._places.is_exhausted:
            text += ", and so are all of delivery.connections"
        elif self._places.waits_for_share(queue):
            text += ", and its sender has its share of those that may be opened at once"
        return text


def _find_group(
    queues: list[EgressQueue], delivery: DeliveryId
) -> tuple[EgressQueue, Group, UnixMs] | None:
    for queue in queues:
        found = queue.find_group(delivery)
        if found is not None:
            return queue, *found
    return None


def _opening_waits(queues: list[EgressQueue]) -> str:
    """Say why our policy has none of their connections opened now, if so."""
    waits = [wait for queue in queues if (wait := queue.find_opening_wait()) is not None]
    reasons = "; ".join(dict.fromkeys(each.reason for each in waits))
    return f"no further connection is opened yet: {reasons}" if reasons else ""


def _joined(*texts: str) -> str:
    return "; ".join(filter(None, texts))


def _with(connection: LiveConnection, state: LiveState) -> Whereabouts:
    return Whereabouts(
        state=state,
        source=connection.source,
        host=connection.host,
        connection=connection.id,
        since=connection.since if state == "opening" else None,
    )
