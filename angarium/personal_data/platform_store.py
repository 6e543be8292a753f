"""The platform's database: the audit without the person, its chain whole. Accounts and users are named, and stay."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from angarium.access.credential_file import CredentialFileError, list_users
from angarium.personal_data.store import Erased, Found, StoreAwayError, Subject
from angarium.queue.person import Person
from angarium.telemetry.timestamp import rfc3339
from angarium.tenancy.model import AuditEntry, TenancySetupError
from angarium.tenancy.platform import Platform


class AuditStore:
    name = "audit"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def find(self, subject: Subject) -> Iterator[Found]:
        try:
            for link in self._platform.audit.links():
                if _without(link.entry, subject) is not None:
                    entry = link.entry
                    data = {"number": link.number, **msgspec.structs.asdict(entry)}
                    yield Found(data={**data, "at": rfc3339(entry.at)})
        except TenancySetupError as error:
            raise StoreAwayError(str(error)) from error

    def erase(self, subject: Subject) -> Erased:
        try:
            changed = self._platform.audit.redact(lambda entry: _without(entry, subject))
        except TenancySetupError as error:
            raise StoreAwayError(str(error)) from error
        return Erased(changed=changed)


class Accounts:
    """Who works with the server, under the address as a name: erasing a person's mail does not lock them out."""

    name = "accounts"

    def __init__(self, platform: Platform, credentials: Path) -> None:
        self._platform = platform
        self._credentials = credentials

    def find(self, subject: Subject) -> Iterator[Found]:
        try:
            for name in self._names(subject):
                yield Found(data={"account": name})
            for name, senders in self._users(subject):
                yield Found(data={"user": name, "senders": senders})
        except (TenancySetupError, CredentialFileError) as error:
            raise StoreAwayError(str(error)) from error

    def erase(self, subject: Subject) -> Erased:
        left = [f"account {name}: postmaster account remove" for name in self._names(subject)] + [
            f"user {name}: postmaster user set, or remove" for name, _ in self._users(subject)
        ]
        return Erased(left=tuple(left))

    def _names(self, subject: Subject) -> list[str]:
        found = self._platform.accounts.list()
        return [
            each.name
            for each in found
            if subject.person.is_in_text(each.name)
            and (subject.tenant is None or subject.tenant in [m.tenant for m in each.memberships])
        ]

    def _users(self, subject: Subject) -> list[tuple[str, list[str]]]:
        if not self._credentials.exists():
            return []
        person: Person = subject.person
        return [
            (each.name, list(each.senders))
            for each in list_users(self._credentials)
            if subject.tenant in (None, each.tenant)
            and (person.is_in_text(each.name) or any(map(person.is_in_text, each.senders)))
        ]


def _without(entry: AuditEntry, subject: Subject) -> AuditEntry | None:
    """Return the entry as it is to be; None: the person is not in it."""
    person = subject.person
    if subject.tenant not in (None, entry.tenant):
        return None
    words = [entry.actor, entry.subject, entry.details]
    if not person.is_in(words):
        return None
    actor, about, details = person.out_of(words)
    return msgspec.structs.replace(entry, actor=actor, subject=about, details=details)
