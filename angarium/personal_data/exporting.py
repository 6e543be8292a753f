"""One person's data as a ZIP file: a JSON document per store, their mails, and a manifest. Blocks."""

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from angarium.personal_data.store import PersonalStore, Subject
from angarium.telemetry.timestamp import rfc3339

MANIFEST: Final = "manifest.json"
_ASIDE_OCTETS: Final = 8 << 20
_COMPARED: Final = (
    "the domain without case, as A-labels; the local part without case; another tag (name+tag@) is another address;"
    " in texts also in URLs, between quotes and in return paths that name it"
)


class StoreExport(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    found: int
    file: str | None  # None: nothing was found
    mails: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What was searched, and what was found."""

    address: str
    compared: str  # as what the address was looked for
    how_compared: str = _COMPARED
    tenant: str | None
    at: str
    stores: tuple[StoreExport, ...]

    @property
    def found(self) -> int:
        return sum(each.found for each in self.stores)


def export(
    stores: Iterable[PersonalStore],
    subject: Subject,
    address: str,
    archive: zipfile.ZipFile,
    clock: Callable[[], int],
) -> Manifest:
    """Write what each store has, then the manifest. Raises StoreAwayError, OSError."""
    mails: set[str] = set()
    told = [_export_store(store, subject, archive, mails) for store in stores]
    manifest = Manifest(
        address=address,
        compared=subject.person.address,
        tenant=subject.tenant,
        at=rfc3339(clock()),
        stores=tuple(told),
    )
    with archive.open(MANIFEST, "w") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    return manifest


def _export_store(
    store: PersonalStore, subject: Subject, archive: zipfile.ZipFile, mails: set[str]
) -> StoreExport:
    """``mails``: files of those that are written already; each is once, whichever stores have it.

    A ZIP file has one open file at a time, and mails are large: so it is the records that are put aside meanwhile.
    """
    count, written = 0, len(mails)
    with tempfile.SpooledTemporaryFile(_ASIDE_OCTETS) as aside:
        for each in store.find(subject):
            data = dict(each.data)
            if each.mail is not None:
                data["mail_file"] = _put_mail(each.mail_name, each.mail, archive, mails)
            aside.write(b",\n" if count else b"[\n")
            aside.write(msgspec.json.encode(data))
            count += 1
        if not count:
            return StoreExport(name=store.name, found=0, file=None, mails=0)
        aside.write(b"\n]\n")
        aside.seek(0)
        name = f"{store.name}.json"
        with archive.open(name, "w", force_zip64=True) as file:
            shutil.copyfileobj(aside, file)
    return StoreExport(name=store.name, found=count, file=name, mails=len(mails) - written)


def _put_mail(name: str, mail: bytes, archive: zipfile.ZipFile, mails: set[str]) -> str:
    file = f"mails/{name}.eml"
    if file not in mails:
        with archive.open(file, "w", force_zip64=True) as out:
            out.write(mail)
        mails.add(file)
    return file
