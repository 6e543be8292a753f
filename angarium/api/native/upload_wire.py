"""What is asked and answered about uploads, and how what is wrong with one is told."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from msgspec import Meta

from angarium.api.native.wire import Asked, PageAsked, Time, Wire, time_text
from angarium.intake.order import Fault, FaultKind
from angarium.tables import BadRow, Examined, Flaw, Row
from angarium.uploads import Upload, UploadBusyError, UploadError, UploadMissingError
from angarium.uploads.model import (
    FILENAME_CHARACTERS,
    TYPE_CHARACTERS,
    BucketError,
    DiskRoomError,
    UploadRoomError,
    WrongContentError,
)

# fetching: it is in the bucket, and comes from there
State = Literal["uploading", "fetching", "complete"]
# A bucket takes a file whole, and knows nothing of Upload-Offset and tus
Place = Literal["server", "bucket"]


class UploadAsked(Asked, frozen=True, kw_only=True):
    """A file that is to come."""

    filename: Annotated[str, Meta(min_length=1, max_length=FILENAME_CHARACTERS)]
    size: Annotated[int, Meta(ge=1, le=2**48)]  # octets
    # of all of it, in hexadecimal: what comes is held to it
    sha256: Annotated[str, Meta(max_length=64)] = ""
    content_type: Annotated[str, Meta(max_length=TYPE_CHARACTERS)] = ""
    tenant: str = ""  # omitted: the caller's own


class UploadMade(Wire, frozen=True, kw_only=True):
    """Where the file is to be put."""

    upload_id: str
    place: Place  # that the URL is of
    url: str  # needs no key until it expires
    method: Literal["PUT"]
    headers: Mapping[str, str]  # that the request is to have
    expires_at: Time
    offset: int  # octets that are there
    size: int


class UploadShown(Wire, frozen=True, kw_only=True):
    upload_id: str
    state: State
    place: Place  # that the file is put to
    filename: str
    size: int  # as it was announced
    offset: int  # octets that are there; of a bucket, that were fetched from it
    sha256: str  # "": not announced
    content_type: str  # likewise
    created_at: Time
    changed_at: Time


class PreviewRow(Wire, frozen=True, kw_only=True):
    number: int
    line: int
    address: str  # "": of a bad row
    variables: Mapping[str, str]
    problem: Flaw | None  # null: the row is good
    reason: str  # what is wrong, and what to do


class Preview(Wire, frozen=True, kw_only=True):
    """The file as a table."""

    charset: str
    charset_is_sure: bool  # else it was guessed
    delimiter: str
    quote: str
    columns: Sequence[str]
    address_column: str
    rows: Sequence[PreviewRow]  # the first ones


class UploadState(UploadShown, frozen=True, kw_only=True):
    url: str | None  # another one to go on by; null: it is complete, or fetched
    expires_at: Time | None
    preview: Preview | None  # null: it is not complete, or no table
    problem: str | None  # why it is no table, or what is in the bucket is not what was announced


class UploadRemoved(Wire, frozen=True, kw_only=True):
    success: bool
    upload_id: str


class UploadsAsked(PageAsked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class UploadList(Wire, frozen=True, kw_only=True):
    uploads: Sequence[UploadShown]
    cursor: str | None  # of the next page; null: this is the last one


class OneUploadAsked(Asked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class PreviewAsked(OneUploadAsked, frozen=True, kw_only=True):
    """How to read the file, where what is found out is wrong."""

    charset: Annotated[str, Meta(max_length=40)] = ""
    delimiter: Annotated[str, Meta(max_length=4)] = ""
    quote: Annotated[str, Meta(max_length=4)] | None = None
    escape: Annotated[str, Meta(max_length=4)] = ""
    address: Annotated[str, Meta(max_length=128)] = ""  # the name of the column


class SignedAsked(Asked, frozen=True, kw_only=True):
    """As the URL has it that was given out."""

    tenant: str
    expires: str
    signature: str


def place_of(upload: Upload) -> Place:
    return "server" if upload.object is None else "bucket"


def upload_shown(upload: Upload, state: State = "uploading") -> UploadShown:
    """``state``: of one that is not complete."""
    return UploadShown(
        upload_id=upload.id,
        state="complete" if upload.is_complete else state,
        place=place_of(upload),
        filename=upload.filename,
        size=upload.size,
        offset=upload.offset,
        sha256=upload.sha256,
        content_type=upload.content_type,
        created_at=time_text(upload.created_at),
        changed_at=time_text(upload.changed_at),
    )


def preview_of(examined: Examined) -> Preview:
    layout = examined.layout
    return Preview(
        charset=layout.charset,
        charset_is_sure=examined.is_charset_sure,
        delimiter=layout.shape.delimiter,
        quote=layout.shape.quote,
        columns=layout.columns,
        address_column=layout.columns[layout.address],
        rows=[_row(each) for each in examined.rows],
    )


def _row(row: Row | BadRow) -> PreviewRow:
    if isinstance(row, Row):
        return PreviewRow(
            number=row.number,
            line=row.line,
            address=row.address,
            variables=row.variables,
            problem=None,
            reason="",
        )
    return PreviewRow(
        number=row.number,
        line=row.line,
        address="",
        variables={},
        problem=row.flaw,
        reason=row.reason,
    )


def fault_of_upload(error: UploadError) -> Fault:
    match error:
        case UploadMissingError():
            kind = FaultKind.NOT_FOUND
        case BucketError():
            kind = FaultKind.BUSY
        case UploadRoomError():
            kind = FaultKind.QUOTA
        case DiskRoomError():
            kind = FaultKind.DISK_FULL
        case WrongContentError():
            kind = FaultKind.INVALID
        case UploadBusyError():
            kind = FaultKind.CONFLICT
        case _:
            kind = FaultKind.INVALID if error.field else FaultKind.CONFLICT
    return Fault(kind=kind, message=error.reason, field=error.field)
