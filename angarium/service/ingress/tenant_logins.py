"""Who may log in at a submission listener: users of the file, and keys of kind smtp."""

from collections.abc import Callable, Set

from angarium.access.credentials import Credentials, Refused, Throttled, Verified
from angarium.queue.model import UnixMs
from angarium.tenancy import KeyGrant, Snapshot, SnapshotFile


class TenantLogins:
    """Satisfies ``smtp_in.reception.Logins``. What is no valid key is tried with the file, and its brakes on guessing.

    A key is the password; the user name that comes with it does not matter, since the key says whose it is.
    """

    def __init__(
        self, users: Credentials, snapshots: SnapshotFile, clock: Callable[[], UnixMs]
    ) -> None:
        self._users = users
        self._snapshots = snapshots
        self._clock = clock

    def find_cached(self, user: str, password: str) -> Verified | None:
        """Of a key that may be used from anywhere, at once: checking it costs microseconds."""
        self._snapshots.refresh()
        return self._of_key(password, "") or self._users.find_cached(user, password)

    async def verify(self, user: str, password: str, client: str) -> Verified | Refused | Throttled:
        return self._of_key(password, client) or await self._users.verify(user, password, client)

    def shown_name(self, user: str) -> str:
        return user if user in self._snapshots.current.keys else self._users.shown_name(user)

    def on_changed(self, callback: Callable[[Set[str]], None]) -> None:
        self._users.on_changed(callback)

        def tell(before: Snapshot) -> None:
            now = self._snapshots.current
            ids = [each.id for each in before.keys.values() if each.kind == "smtp"]
            if changed := {each for each in ids if _rights(before, each) != _rights(now, each)}:
                callback(changed)

        self._snapshots.on_changed(tell)

    def refresh(self) -> None:
        self._snapshots.refresh()
        self._users.refresh()

    def _of_key(self, password: str, client: str) -> Verified | None:
        found = self._snapshots.current.find_key(password, self._clock(), client)
        if not isinstance(found, KeyGrant) or found.key.kind != "smtp":
            return None
        return _verified(found) if found.allows("emails", "send") else None


def _verified(grant: KeyGrant) -> Verified:
    return Verified(
        user=grant.key.id,
        tenant=grant.key.tenant,
        senders=grant.senders,
    )


def _rights(snapshot: Snapshot, key_id: str) -> tuple[object, ...] | None:
    """What a session that a key opened rests on."""
    key = snapshot.keys.get(key_id)
    if key is None:
        return None
    return (key, snapshot.is_active(key.tenant), snapshot.senders_of(key.tenant))
