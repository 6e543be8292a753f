"""A SendBulkEmail request of SES: one result for each entry, in order. Pure. Raises FaultError for what concerns all.

SES sends in bulk by templates alone, and there are none here yet: so each entry is refused by its template's name.
"""

from typing import Final

from angarium.api.compat.faults import invalid, missing
from angarium.api.compat.ses import wire
from angarium.api.compat.ses.orders import (
    FROM,
    read_addressees,
    read_mailbox,
    read_tags,
    refuse,
    template_fault,
)
from angarium.intake.order import Fault, FaultError

MAX_ENTRIES: Final = 50  # of Amazon


def read_entries(request: wire.SendBulkEmail, tenant: str) -> tuple[Fault, ...]:
    """Return what is wrong with each entry. ``tenant``: of whoever asks."""
    refuse(request, tenant)
    template = (request.default_content or wire.BulkEmailContent()).template
    if template is None:
        raise FaultError(missing("DefaultContent.Template"))
    entries = request.bulk_email_entries or ()
    if not entries:
        raise FaultError(missing("BulkEmailEntries"))
    if len(entries) > MAX_ENTRIES:
        raise FaultError(invalid("BulkEmailEntries", f"has more than {MAX_ENTRIES} entries"))
    if not request.from_email_address:
        raise FaultError(missing(FROM))
    read_mailbox(request.from_email_address, FROM)
    read_tags(request.default_email_tags, "DefaultEmailTags")
    lacks = template_fault(template, "DefaultContent.Template")
    return tuple(_entry_fault(each, index) or lacks for index, each in enumerate(entries))


def _entry_fault(entry: wire.BulkEmailEntry, index: int) -> Fault | None:
    at = f"BulkEmailEntries[{index}]"
    destination = entry.destination or wire.Destination()
    try:
        found = [
            each
            for texts, name in (
                (destination.to_addresses, "ToAddresses"),
                (destination.cc_addresses, "CcAddresses"),
                (destination.bcc_addresses, "BccAddresses"),
            )
            for each in read_addressees(texts, f"{at}.Destination.{name}")
        ]
        read_tags(entry.replacement_tags, f"{at}.ReplacementTags")
    except FaultError as error:
        return error.fault
    return None if found else missing(f"{at}.Destination.ToAddresses")
