"""A client of the HTTP API, for Python programs: ``Client`` waits, ``AsyncClient`` is awaited; both do the same.

    from angarium.client import Client, Email

    with Client("https://mail.example.com", key) as client:
        sent = client.send(Email(sender="Shop <shop@example.com>", to=["user@example.net"], subject="Hi", text="..."))
        print(client.status(sent.email_id).status)

What is sent has an idempotency key, so that a try whose answer was lost is never a second message. Imports nothing else
of Angarium.
"""

from angarium.client.aio import AsyncClient
from angarium.client.errors import ApiError, ConnectionFailedError
from angarium.client.model import (
    Attempt,
    Attempts,
    Campaign,
    CampaignRow,
    CampaignState,
    Email,
    EmailPage,
    EventPage,
    File,
    Happening,
    KeyInfo,
    Parts,
    Recipient,
    RecipientStatus,
    Refused,
    Schedule,
    Sent,
    SentEmail,
    StatsLatency,
    StatsPage,
    StatsRates,
    StatsRow,
    Status,
    Suppression,
    SuppressionPage,
    Template,
    TemplatePage,
    TemplatePreview,
    TemplateSource,
    TemplateVersion,
    TemplateVersionPage,
    Tracking,
)
from angarium.client.waiting import Client

__all__ = [
    "ApiError",
    "AsyncClient",
    "Attempt",
    "Attempts",
    "Campaign",
    "CampaignRow",
    "CampaignState",
    "Client",
    "ConnectionFailedError",
    "Email",
    "EmailPage",
    "EventPage",
    "File",
    "Happening",
    "KeyInfo",
    "Parts",
    "Recipient",
    "RecipientStatus",
    "Refused",
    "Schedule",
    "Sent",
    "SentEmail",
    "StatsLatency",
    "StatsPage",
    "StatsRates",
    "StatsRow",
    "Status",
    "Suppression",
    "SuppressionPage",
    "Template",
    "TemplatePage",
    "TemplatePreview",
    "TemplateSource",
    "TemplateVersion",
    "TemplateVersionPage",
    "Tracking",
]
