"""What the pages must know of a tenant, as it is published."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from angarium.config.schema import Config
from angarium.config.streams import streams_by_name, streams_to_leave, titles_of
from angarium.config.titles import title_in
from angarium.tenancy import SnapshotFile
from angarium.tenancy.topic import Topic


class TenantFacts(Protocol):
    def find_owner(self, host: str) -> str | None:
        """Return whose own tracking host it is; None: it is everybody's."""
        ...

    def address_of(self, tenant: str) -> Sequence[str]:
        """Return its name and postal address, a line each, as far as they are known."""
        ...

    def topics_of(self, tenant: str) -> Mapping[str, Topic]:
        """By name."""
        ...

    def streams_of(self, tenant: str) -> Sequence[str]:
        """Return the streams whose mail says how to leave, and that it may use."""
        ...

    def stream_title(self, stream: str, language: str) -> str:
        """Return what people who read this language are shown of a stream; its name where it has no title."""
        ...


class PublishedFacts:
    """Satisfies TenantFacts."""

    def __init__(self, snapshots: SnapshotFile, config: Callable[[], Config]) -> None:
        self._snapshots = snapshots
        self._config = config

    def find_owner(self, host: str) -> str | None:
        return self._snapshots.current.find_tracking_tenant(host)

    def address_of(self, tenant: str) -> Sequence[str]:
        return self._snapshots.current.postal_address_of(tenant).splitlines()

    def topics_of(self, tenant: str) -> Mapping[str, Topic]:
        return self._snapshots.current.topics_of(tenant)

    def streams_of(self, tenant: str) -> Sequence[str]:
        allowed = self._snapshots.current.plan(tenant).streams
        return sorted(
            each
            for each in streams_to_leave(self._config().stream)
            if not allowed or each in allowed
        )

    def stream_title(self, stream: str, language: str) -> str:
        known = streams_by_name(self._config().stream).get(stream)
        return stream if known is None else title_in(titles_of(known), language, stream)
