"""Stories and events as answers have them. Pure."""

from typing import Any, cast

from angarium.api.native.history_wire import (
    AttemptShown,
    EmailAnswer,
    EmailShown,
    EventShown,
    ReaderShown,
    RecipientShown,
    StatusAnswer,
    StatusWord,
    TemplateUsed,
    TenantEvent,
)
from angarium.api.native.wire import Time, maybe_time, time_text
from angarium.history import Incident, RecipientStory, Status, Story
from angarium.history import details as of_event
from angarium.history.readers import Reader
from angarium.queue.about import About
from angarium.queue.events.attempt_failed import AttemptFailed
from angarium.queue.events.shape import AttemptEvent
from angarium.queue.reply_pattern import full_reply


def status(story: Story) -> StatusAnswer:
    return StatusAnswer(
        email_id=story.email_id,
        recipient=story.recipients[0].address if story.recipients else "",
        subject=story.about.subject,
        status=_word(story.status),
        message_id=story.message_id,
        created_at=time_text(story.created),
        send_at=_start(story),
        sent_at=maybe_time(story.sent),
        last_updated=time_text(story.last_updated),
        events=[event(each) for each in story.incidents],
        metadata=story.about.metadata,
        recipients=[_recipient(each) for each in story.recipients],
    )


def email(story: Story) -> EmailShown:
    return EmailShown(**_email(story))


def email_with_events(story: Story) -> EmailAnswer:
    return EmailAnswer(**_email(story), events=[event(each) for each in story.incidents])


def event(incident: Incident) -> EventShown:
    return EventShown(
        id=str(incident.position.sequence),
        type=incident.type,
        timestamp=time_text(incident.at),
        recipient=_only(incident),
        details=of_event.details_of(incident.position.event),
    )


def tenant_event(incident: Incident) -> TenantEvent:
    return TenantEvent(
        id=str(incident.position.sequence),
        type=incident.type,
        timestamp=time_text(incident.at),
        recipient=_only(incident),
        details=of_event.details_of(incident.position.event),
        email_id=incident.email_id or None,
        recipients=incident.recipients,
        metadata=incident.metadata,
    )


def reader(of: Reader) -> ReaderShown:
    return ReaderShown(
        recipient=of.address,
        email_id=of.email_id,
        campaign=of.campaign,
        opened=of.opens,
        first_opened_at=maybe_time(of.first_opened),
        clicked=of.clicks,
        first_clicked_at=maybe_time(of.first_clicked),
        links=of.links,
    )


def find_attempt(incident: Incident) -> AttemptShown | None:
    """Return the attempt that an event is about, if it is about one."""
    happened = incident.position.event
    attempt = of_event.find_attempt(happened)
    if attempt is None or not isinstance(happened, AttemptEvent):
        return None
    return AttemptShown(
        timestamp=time_text(attempt.at),
        recipient=happened.recipient,
        attempt=happened.attempts,
        outcome=incident.type,
        smtp_response=full_reply(attempt),
        code=attempt.code,
        enhanced_status=attempt.enhanced,
        stage=attempt.stage,
        host=attempt.host,
        address=attempt.address,
        source=attempt.source,
        provider=attempt.provider,
        tls=attempt.tls,
        tls_cipher=attempt.tls_cipher,
        tls_verified=attempt.tls_verified,
        dkim=attempt.dkim,
        next_attempt=time_text(happened.due) if isinstance(happened, AttemptFailed) else None,
    )


def _template(about: About) -> TemplateUsed | None:
    if not about.template_id:
        return None
    return TemplateUsed(
        id=about.template_id, alias=about.template_alias, version=about.template_version
    )


def _email(story: Story) -> dict[str, Any]:
    about = story.about
    addresses = tuple([each.address for each in story.recipients])
    is_said = bool(about.to or about.cc or about.bcc)
    return {
        "email_id": story.email_id,
        "message_id": story.message_id,
        "status": _word(story.status),
        # Of what came by SMTP only the envelope is known
        "author": about.author or story.reverse_path,
        "to": about.to if is_said else addresses,
        "cc": about.cc,
        "bcc": about.bcc,
        "reply_to": about.reply_to,
        "subject": about.subject,
        "stream": story.stream,
        "campaign": story.campaign,
        "tags": story.tags,
        "metadata": about.metadata,
        "size_octets": story.size_octets,
        "sandbox": about.sandbox,
        "template": _template(about),
        "created_at": time_text(story.created),
        "send_at": _start(story),
        "sent_at": maybe_time(story.sent),
        "last_updated": time_text(story.last_updated),
        "recipients": [_recipient(each) for each in story.recipients],
    }


def _recipient(told: RecipientStory) -> RecipientShown:
    return RecipientShown(
        address=told.address,
        status=_word(told.status),
        last_updated=maybe_time(told.last_updated),
        attempts=told.attempts,
        smtp_response=told.reply,
        reporting_mta=told.host,
        metadata=told.metadata,
    )


def _start(story: Story) -> Time | None:
    return time_text(story.due) if story.due else None


def _only(incident: Incident) -> str | None:
    return incident.recipients[0] if len(incident.recipients) == 1 else None


def _word(status: Status) -> StatusWord:
    return cast(StatusWord, status.word)  # a test holds both equal
