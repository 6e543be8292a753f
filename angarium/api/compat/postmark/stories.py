"""What happened to messages, as Postmark tells it. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from angarium.api.compat.postmark.orders import OUTBOUND
from angarium.history.details import details_of
from angarium.history.status import Status
from angarium.history.story import Incident, Story
from angarium.queue.model import DEFAULT_STREAM
from angarium.telemetry.timestamp import rfc3339

STATUS: Final[Mapping[Status, str]] = MappingProxyType(
    {
        Status.CREATED: "Queued",
        Status.SCHEDULED: "Scheduled",
        Status.READY_TO_SEND: "Queued",
        Status.DEFERRED: "Queued",
        Status.SENDING: "Queued",
        Status.SENT: "Sent",
        Status.DELIVERED: "Sent",
        Status.OPENED: "Sent",
        Status.CLICKED: "Sent",
        Status.CANCELLED: "Failed",
        Status.SUPPRESSED: "Blocked",
        Status.EXPIRED: "Failed",
        # It left, and came back: the events say so
        Status.BOUNCED: "Sent",
        Status.COMPLAINED: "Sent",
    }
)
# By an incident's type; of others Postmark has no word
_EVENTS: Final = {
    "sent": "Delivered",
    "delivered": "Delivered",
    "deferred": "Transient",
    "bounced": "Bounced",
    "expired": "Bounced",
    "opened": "Opened",
    "clicked": "LinkClicked",
    "unsubscribed": "SubscriptionChanged",
}


def listed(story: Story) -> dict[str, Any]:
    about = story.about
    return {
        "Tag": story.tags[0] if story.tags else None,
        "MessageID": story.email_id,
        "MessageStream": stream_name(story.stream),
        "To": [_address(each) for each in about.to],
        "Cc": [_address(each) for each in about.cc],
        "Bcc": [_address(each) for each in about.bcc],
        "Recipients": [each.address for each in story.recipients],
        "ReceivedAt": rfc3339(story.created),
        "From": about.author or story.reverse_path,
        "Subject": about.subject,
        "Attachments": [],
        "Status": STATUS[story.status],
        "TrackOpens": False,
        "TrackLinks": "None",
        "Metadata": about.metadata,
        "Sandboxed": about.sandbox,
    }


def told(story: Story) -> dict[str, Any]:
    """With its events. Its texts are not kept once it is sent."""
    events = [each for incident in story.incidents for each in _events(incident)]
    return {
        **listed(story),
        "TextBody": None,
        "HtmlBody": None,
        "Body": "",
        "MessageEvents": events,
    }


def stream_name(stream: str) -> str:
    return OUTBOUND if stream == DEFAULT_STREAM else stream


def _address(text: str) -> dict[str, str | None]:
    """As it was written for people: ``Name <a@b>``."""
    name, bracket, address = text.rpartition(" <")
    if bracket and text.endswith(">"):
        return {"Email": address[:-1], "Name": name}
    return {"Email": text, "Name": None}


def _events(incident: Incident) -> list[dict[str, Any]]:
    kind = _EVENTS.get(incident.type)
    if kind is None:
        return []
    said = details_of(incident.position.event)
    details = {
        "DeliveryMessage": said.smtp_response,
        "DestinationServer": said.reporting_mta,
        "DestinationIP": said.address,
        "Summary": said.smtp_response or said.reason,
        "Link": said.link,
    }
    return [
        {
            "Recipient": each,
            "Type": kind,
            "ReceivedAt": rfc3339(incident.at),
            "Details": {name: value for name, value in details.items() if value},
        }
        for each in incident.recipients
    ]
