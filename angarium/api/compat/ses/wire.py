"""The requests of SES's API v2 as they come in JSON, with every field that Amazon's own clients know. Plain values.

``None`` is absent, and so is what is empty; a name that is not here is refused by who decodes.
"""

import msgspec


class _Request(
    msgspec.Struct, frozen=True, kw_only=True, rename="pascal", forbid_unknown_fields=True
):
    pass


class Destination(_Request, frozen=True, kw_only=True):
    to_addresses: tuple[str, ...] | None = None
    cc_addresses: tuple[str, ...] | None = None
    bcc_addresses: tuple[str, ...] | None = None


class Text(_Request, frozen=True, kw_only=True):
    data: str | None = None
    charset: str | None = None


class Body(_Request, frozen=True, kw_only=True):
    text: Text | None = None
    html: Text | None = None


class Header(_Request, frozen=True, kw_only=True):
    name: str | None = None
    value: str | None = None


class File(_Request, frozen=True, kw_only=True):
    raw_content: str | None = None  # base64
    file_name: str | None = None
    content_type: str | None = None
    content_disposition: str | None = None  # ATTACHMENT | INLINE
    content_description: str | None = None
    content_id: str | None = None
    content_transfer_encoding: str | None = None


class Simple(_Request, frozen=True, kw_only=True):
    subject: Text | None = None
    body: Body | None = None
    headers: tuple[Header, ...] | None = None
    attachments: tuple[File, ...] | None = None


class Raw(_Request, frozen=True, kw_only=True):
    data: str | None = None  # base64


class TemplateContent(_Request, frozen=True, kw_only=True):
    subject: str | None = None
    text: str | None = None
    html: str | None = None


class Template(_Request, frozen=True, kw_only=True):
    template_name: str | None = None
    template_arn: str | None = None
    template_content: TemplateContent | None = None
    template_data: str | None = None  # JSON
    headers: tuple[Header, ...] | None = None
    attachments: tuple[File, ...] | None = None


class Content(_Request, frozen=True, kw_only=True):
    simple: Simple | None = None
    raw: Raw | None = None
    template: Template | None = None


class Tag(_Request, frozen=True, kw_only=True):
    name: str | None = None
    value: str | None = None


class ListManagementOptions(_Request, frozen=True, kw_only=True):
    contact_list_name: str | None = None
    topic_name: str | None = None


class Tracking(_Request, frozen=True, kw_only=True):
    open_tracking_enabled: str | None = None  # ENABLED | DISABLED
    click_tracking_enabled: str | None = None


class ConfigurationOverrides(_Request, frozen=True, kw_only=True):
    tracking: Tracking | None = None


class _Sending(_Request, frozen=True, kw_only=True):
    """What single and bulk requests have in common."""

    from_email_address: str | None = None
    from_email_address_identity_arn: str | None = None
    reply_to_addresses: tuple[str, ...] | None = None
    feedback_forwarding_email_address: str | None = None
    feedback_forwarding_email_address_identity_arn: str | None = None
    configuration_set_name: str | None = None
    endpoint_id: str | None = None
    tenant_name: str | None = None
    configuration_overrides: ConfigurationOverrides | None = None


class SendEmail(_Sending, frozen=True, kw_only=True):
    destination: Destination | None = None
    content: Content | None = None
    email_tags: tuple[Tag, ...] | None = None
    list_management_options: ListManagementOptions | None = None


class ReplacementTemplate(_Request, frozen=True, kw_only=True):
    replacement_template_data: str | None = None  # JSON


class ReplacementEmailContent(_Request, frozen=True, kw_only=True):
    replacement_template: ReplacementTemplate | None = None


class BulkEmailEntry(_Request, frozen=True, kw_only=True):
    destination: Destination | None = None
    replacement_tags: tuple[Tag, ...] | None = None
    replacement_email_content: ReplacementEmailContent | None = None
    replacement_headers: tuple[Header, ...] | None = None


class BulkEmailContent(_Request, frozen=True, kw_only=True):
    template: Template | None = None


class SendBulkEmail(_Sending, frozen=True, kw_only=True):
    default_email_tags: tuple[Tag, ...] | None = None
    default_content: BulkEmailContent | None = None
    bulk_email_entries: tuple[BulkEmailEntry, ...] | None = None


class PutSuppressedDestination(_Request, frozen=True, kw_only=True):
    email_address: str | None = None
    reason: str | None = None  # BOUNCE | COMPLAINT
    tenant_name: str | None = None


class CreateEmailTemplate(_Request, frozen=True, kw_only=True):
    template_name: str | None = None
    template_content: TemplateContent | None = None
    tags: tuple[dict[str, str], ...] | None = None


class UpdateEmailTemplate(_Request, frozen=True, kw_only=True):
    template_name: str | None = None  # the path has it
    template_content: TemplateContent | None = None


class RenderEmailTemplate(_Request, frozen=True, kw_only=True):
    template_name: str | None = None  # the path has it
    template_data: str | None = None  # JSON
