"""A SendBulkEmail request of SES as orders, one for each entry. Pure. Raises FaultError for what concerns all."""

from typing import Any, Final

import msgspec

from angarium.api.compat.faults import invalid, missing, unsupported
from angarium.api.compat.ses import wire
from angarium.api.compat.ses.orders import (
    FROM,
    NO_FORWARDING,
    campaign_of,
    read_destination,
    read_files,
    read_headers,
    read_mailbox,
    read_sending,
    read_tags,
    refuse,
    template_data,
    template_use,
)
from angarium.api.compat.ses.raw import metadata_in
from angarium.intake.order import Fault, FaultError, Order

MAX_ENTRIES: Final = 50  # of Amazon
_TEMPLATE: Final = "DefaultContent.Template"
_FEEDBACK: Final = "FeedbackForwardingEmailAddress"
# Of django-anymail, as in a message that is written already
_METADATA: Final = "x-metadata"
_TAG: Final = "x-tag"


def read_entries(request: wire.SendBulkEmail, tenant: str) -> tuple[Order | Fault, ...]:
    """Return each entry's order, or what is wrong with it. ``tenant``: of whoever asks."""
    refuse(request, tenant)
    template = (request.default_content or wire.BulkEmailContent()).template
    if template is None:
        raise FaultError(missing(_TEMPLATE))
    entries = request.bulk_email_entries or ()
    if not entries:
        raise FaultError(missing("BulkEmailEntries"))
    if len(entries) > MAX_ENTRIES:
        raise FaultError(invalid("BulkEmailEntries", f"has more than {MAX_ENTRIES} entries"))
    if not request.from_email_address:
        raise FaultError(missing(FROM))
    if request.feedback_forwarding_email_address:
        raise FaultError(unsupported(_FEEDBACK, NO_FORWARDING))
    shared = Order(
        author=read_mailbox(request.from_email_address, FROM),
        template=template_use(template, _TEMPLATE),
        attachments=read_files(template.attachments, f"{_TEMPLATE}.Attachments"),
        fields=read_headers(template.headers, f"{_TEMPLATE}.Headers"),
        tags=read_tags(request.default_email_tags, "DefaultEmailTags"),
        **read_sending(request),
    )
    return tuple(_order_or_fault(shared, each, index) for index, each in enumerate(entries))


def _order_or_fault(shared: Order, entry: wire.BulkEmailEntry, index: int) -> Order | Fault:
    try:
        return _order(shared, entry, f"BulkEmailEntries[{index}]")
    except FaultError as error:
        return error.fault


def _order(shared: Order, entry: wire.BulkEmailEntry, at: str) -> Order:
    """What an entry has takes the place of what all have: a header field or a tag by its name, a variable likewise."""
    destination = read_destination(entry.destination, f"{at}.Destination")
    if not any(destination.values()):
        raise FaultError(missing(f"{at}.Destination.ToAddresses"))
    own = read_headers(entry.replacement_headers, f"{at}.ReplacementHeaders")
    tags = _replaced_tags(shared.tags, read_tags(entry.replacement_tags, f"{at}.ReplacementTags"))
    tags += tuple(value for name, value in own if name.lower() == _TAG)
    content = entry.replacement_email_content or wire.ReplacementEmailContent()
    replacement = content.replacement_template or wire.ReplacementTemplate()
    where = f"{at}.ReplacementEmailContent.ReplacementTemplate"
    data = template_data(replacement.replacement_template_data, where, "ReplacementTemplateData")
    use = shared.template
    assert use is not None  # SES sends in bulk by templates alone
    more: dict[str, Any] = {
        "fields": _replaced_fields(shared.fields, own),
        "tags": tags,
        "campaign": campaign_of(tags),
        "metadata": metadata_in([value for name, value in own if name.lower() == _METADATA]),
        "template": msgspec.structs.replace(use, data={**use.data, **data}),
    }
    return msgspec.structs.replace(shared, **destination, **more)


def _replaced_fields(
    shared: tuple[tuple[str, str], ...], own: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    names = {name.lower() for name, _ in own}
    return tuple(each for each in shared if each[0].lower() not in names) + own


def _replaced_tags(shared: tuple[str, ...], own: tuple[str, ...]) -> tuple[str, ...]:
    names = {each.partition(":")[0] for each in own}
    return tuple(each for each in shared if each.partition(":")[0] not in names) + own
