"""What in a mail that came back may be a reference of ours; whether it is one is not known here. Pure."""

from collections.abc import Iterator
from typing import Final

from angarium.feedback.mail.addresses import addresses_of
from angarium.feedback.mail.fields import Fields

# Ours: real mail has some of each; what is longer than a local part and a header's token is none of ours
MAX_REFERENCES: Final = 24
MAX_LENGTH: Final = 1000
_OWN: Final = ("x-angarium-reference", "cfbl-feedback-id")
_RECIPIENT: Final = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to")


def references_of(envelope: str, mail: Fields, report: Fields, original: Fields) -> tuple[str, ...]:
    """Return the candidates, best evidence first: ours by name, whom the mail came to, what else names the message.

    ``envelope``: the recipient that the mail was accepted for, "" where that is not known. ``report``: the fields of an
    ARF. ``original``: those of the message that the mail is about.
    """
    found: dict[str, None] = {}
    for each in _candidates(envelope, mail, report, original):
        text = each.strip().strip("<>")
        if text and len(text) <= MAX_LENGTH and text.isprintable():
            found.setdefault(text)
        if len(found) == MAX_REFERENCES:
            break
    return tuple(found)


def _candidates(envelope: str, mail: Fields, report: Fields, original: Fields) -> Iterator[str]:
    for fields in (original, report):
        yield from fields.all_raw(*_OWN)
    if envelope:
        yield _local_part(envelope)
    for value in mail.all_raw(*_RECIPIENT):
        yield from (_local_part(each) for each in addresses_of(value)[:4])
    for fields, names in (
        (original, ("return-path", "x-envelope-from")),
        (report, ("original-mail-from",)),
    ):
        for value in fields.all_raw(*names):
            yield from (_local_part(each) for each in addresses_of(value)[:1])
    yield from report.all_raw("original-envelope-id")
    yield from (_local_part(each) for each in original.all_raw("message-id"))
    yield from original.all_raw("feedback-id")
    for value in mail.all_raw("in-reply-to"):
        yield _local_part(value)


def _local_part(address: str) -> str:
    return address.strip().strip("<>").rpartition("@")[0] or address
