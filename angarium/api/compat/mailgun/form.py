"""Reads a request's form as Mailgun's clients send it: URL-encoded without files, multipart with them."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.helpers import parse_mimetype

from angarium.api.compat.mailgun.fields import FormField
from angarium.api.compat.mailgun.form_data import FormDataError, read_form_data
from angarium.api.reading import CONTENT_TYPE, read_octets
from angarium.intake.order import Fault, FaultError, FaultKind

MAX_FIELDS: Final = 3_000  # ours: 1,000 recipients, 500 files, and what else there is
URL_ENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
_SHOWN: Final = 80  # characters of what a client wrote


async def read_form(request: web.Request) -> tuple[FormField, ...]:
    """Return the fields in order, empty ones too. Raises FaultError."""
    kind = request.content_type.lower()
    if kind not in (URL_ENCODED, MULTIPART):
        text = f"{CONTENT_TYPE} is {kind[:_SHOWN]}: send {MULTIPART} or {URL_ENCODED}"
        raise FaultError(Fault(kind=FaultKind.MEDIA_TYPE, message=text, field=CONTENT_TYPE))
    octets = await read_octets(request)
    fields: Iterable[FormField] = _url_encoded(octets)
    if kind == MULTIPART:
        parameters = parse_mimetype(request.headers[CONTENT_TYPE]).parameters
        fields = read_form_data(octets, parameters.get("boundary", ""))
    try:
        found = tuple(islice(fields, MAX_FIELDS + 1))
    except FormDataError as error:
        raise _malformed(str(error)) from None
    if len(found) > MAX_FIELDS:
        raise _too_many()
    return found


def _url_encoded(octets: bytes) -> Iterator[FormField]:
    try:
        pairs = parse_qsl(
            octets.decode("latin-1"),
            keep_blank_values=True,
            max_num_fields=MAX_FIELDS,
            encoding="latin-1",
        )
    except ValueError:
        raise _too_many() from None
    for name, value in pairs:
        try:
            text = name.encode("latin-1").decode()
        except UnicodeDecodeError:
            raise _malformed("the name of a field is not UTF-8") from None
        yield FormField(name=text, content=value.encode("latin-1"))


def _malformed(reason: str) -> FaultError:
    text = f"The body cannot be read: {reason}"
    return FaultError(Fault(kind=FaultKind.MALFORMED, message=text, field="body"))


def _too_many() -> FaultError:
    text = f"The form has more than {MAX_FIELDS} fields"
    fault = Fault(kind=FaultKind.TOO_LARGE, message=text, field="body", constraint="max_items")
    return FaultError(fault)
