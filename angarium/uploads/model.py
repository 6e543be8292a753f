"""An upload as a value, what may be asked of one, and why it is refused. Pure."""

import re
from typing import Final

import msgspec

from angarium.config.schema import Config
from angarium.queue.model import UnixMs

FILENAME_CHARACTERS: Final = 255
TYPE_CHARACTERS: Final = 127
BUCKET_SCHEME: Final = "s3://"
_SHA256: Final = re.compile("[0-9a-f]{64}")


class UploadError(Exception):
    """It was not done. ``field`` of the request is at fault, if one is."""

    def __init__(self, reason: str, *, field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason  # for people: what is wrong, and what to do
        self.field = field


class UploadMissingError(UploadError):
    """There is none, or there is none any more."""


class UploadBusyError(UploadError):
    """Somebody else is writing it, or it is not where the request continues. Try again, from ``offset``."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.offset = offset


class WrongContentError(UploadError):
    """What came is not what was announced. Nothing of it is kept: it begins at 0 again."""


class UploadRoomError(UploadError):
    """The tenant has too many or too large files."""


class DiskRoomError(UploadError):
    """The disk has no room."""


class BucketError(UploadError):
    """The bucket does not give, or take, what it is asked for; nobody who uploads is at fault. Try again."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"uploads.bucket: {reason}", field="uploads.bucket")


class NotArrivedError(UploadError):
    """Nothing is in the bucket (yet)."""


class BucketObject(msgspec.Struct, frozen=True, kw_only=True):
    """Where a file is put in place of the disk."""

    bucket: str
    key: str

    @property
    def url(self) -> str:
        """As people write it; nothing is fetched by it."""
        return f"{BUCKET_SCHEME}{self.bucket}/{self.key}"


class UploadLimits(msgspec.Struct, frozen=True, kw_only=True):
    file_octets: int
    tenant_octets: int
    tenant_files: int
    min_free_octets: int  # of the disk, with all of the file on it

    @classmethod
    def of(cls, config: Config) -> "UploadLimits":
        return cls(
            file_octets=config.uploads.file_octets,
            tenant_octets=config.uploads.tenant_octets,
            tenant_files=config.uploads.tenant_files,
            min_free_octets=config.queue.min_free_octets,
        )


class NewUpload(msgspec.Struct, frozen=True, kw_only=True):
    tenant: str
    filename: str
    size: int  # octets
    sha256: str = ""  # lower-case hexadecimal; "": not known
    content_type: str = ""
    id: str = ""  # a UUID in text that is used for nothing else; "": a new one
    bucket: str = ""  # that it comes to; "": to us
    prefix: str = ""  # of its key there


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    tenant: str
    filename: str
    size: int
    sha256: str  # "": not announced
    content_type: str
    created_at: UnixMs
    offset: int  # octets that are there
    is_complete: bool  # of this size and hash, and on disk
    changed_at: UnixMs
    object: BucketObject | None  # that it comes by; what is there of it has been fetched from that
    etag: str  # of the object that was fetched last; "": none
    refused: str  # why that one is not what was announced; "": nothing is known against it


def check_new(new: NewUpload, limits: UploadLimits) -> NewUpload:
    """Return it as it is kept. Raises UploadError."""
    if not new.filename or len(new.filename) > FILENAME_CHARACTERS:
        text = f"filename: must have 1 to {FILENAME_CHARACTERS} characters"
        raise UploadError(text, field="filename")
    if not new.filename.isprintable():
        raise UploadError("filename: has a control character: take it out", field="filename")
    if len(new.content_type) > TYPE_CHARACTERS or not new.content_type.isprintable():
        raise UploadError("contentType: is none", field="contentType")
    sha256 = new.sha256.lower()
    if sha256 and _SHA256.fullmatch(sha256) is None:
        raise UploadError("sha256: must be 64 hexadecimal digits", field="sha256")
    if new.size < 1:
        raise UploadError("size: must be 1 octet or more", field="size")
    if new.size > limits.file_octets:
        text = f"size: a file may have {limits.file_octets} octets ([uploads] file_octets)"
        raise UploadError(text, field="size")
    return msgspec.structs.replace(new, sha256=sha256)
