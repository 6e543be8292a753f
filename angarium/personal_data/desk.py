"""Exporting and erasing as commands and the API ask for it: with the installation's key, and an audit entry. Blocks."""

import os
import zipfile
from collections.abc import Callable

from angarium.config.schema import Config
from angarium.personal_data.erasing import FOLLOW_S, Erasure, Report
from angarium.personal_data.exporting import Manifest, export
from angarium.personal_data.opening import Stores
from angarium.personal_data.store import Subject
from angarium.queue.act import Actor
from angarium.queue.model import UnixMs
from angarium.queue.person import KEY_OCTETS, Person
from angarium.tenancy.platform import Platform


class PersonDesk:
    """``platform``: whose audit entries name who asks."""

    def __init__(
        self,
        config: Config,
        stores: Stores,
        platform: Platform,
        clock: Callable[[], UnixMs],
        *,
        tenant: str | None,
        actor: str,
    ) -> None:
        self._config = config
        self._stores = stores
        self._platform = platform
        self._clock = clock
        self._tenant = tenant
        self._actor = actor

    def erase(self, address: str, reason: str, *, dry_run: bool) -> Report:
        """Raises StoreAwayError, QueueError: what was done until then stays."""
        queue = self._stores.queue
        key = queue.find_key() or os.urandom(KEY_OCTETS)
        if not dry_run:
            key = queue.make_key(key)
        person = Person(address, key)
        subject = self._subject(person, person.out_of_text(reason))
        erasure = Erasure(self._stores, subject, self._clock, follow_s=self._follow_s())
        if dry_run:
            return erasure.look()
        report = erasure.erase()
        self._platform.audit.note(
            "person.erased",
            self._tenant or "",
            person.alias,
            found=str(report.found),
            left=str(sum(bool(each.left) for each in report.stores)),
            reason=subject.by.reason,
        )
        return report

    def export(self, address: str, archive: zipfile.ZipFile) -> Manifest:
        """Raises StoreAwayError, QueueError, OSError."""
        key = self._stores.queue.find_key()
        person = Person(address, key or os.urandom(KEY_OCTETS))
        subject = self._subject(person, "")
        manifest = export(self._stores.all(), subject, address, archive, self._clock)
        # Where nobody was erased yet there is no key that is kept, and an alias says nothing
        about = person.alias if key else "a person"
        found = str(manifest.found)
        self._platform.audit.note("person.exported", self._tenant or "", about, found=found)
        return manifest

    def _subject(self, person: Person, reason: str) -> Subject:
        return Subject(person=person, tenant=self._tenant, by=Actor(who=self._actor, reason=reason))

    def _follow_s(self) -> float:
        """The lake writes what it has read so long after."""
        lake = self._config.lake
        return FOLLOW_S + (lake.flush_s if lake.enabled else 0)
