"""All that is managed by our own dialect: each resource in a module of its own."""

from collections.abc import Sequence

from angarium.api.native.alarms import AlarmResource
from angarium.api.native.audit import AuditResource
from angarium.api.native.dialect import Resource
from angarium.api.native.domains import DomainResource
from angarium.api.native.keys import KeyResource
from angarium.api.native.operator import Operator
from angarium.api.native.passkeys import PasskeyResource
from angarium.api.native.people import PeopleResource
from angarium.api.native.premises import Premises
from angarium.api.native.queue import QueueResource
from angarium.api.native.queue_acts import QueueActs
from angarium.api.native.suppression import SuppressionResource
from angarium.api.native.suppression_files import SuppressionFiles
from angarium.api.native.template_trials import TrialResource
from angarium.api.native.template_versions import VersionResource
from angarium.api.native.templates import TemplateResource
from angarium.api.native.tenants import TenantResource
from angarium.api.native.topics import TopicResource
from angarium.api.native.tracking_hosts import TrackingHostResource
from angarium.api.native.webhook_deliveries import DeliveryResource
from angarium.api.native.webhook_outbox import OutboxAccess
from angarium.api.native.webhooks import WebhookResource
from angarium.api.native.whose_key import WhoseKeyResource
from angarium.api.sessions import Sessions
from angarium.intake.sending import Sending


def management(premises: Premises, sessions: Sessions, sending: Sending) -> Sequence[Resource]:
    operator = Operator(lambda: premises.data_dir)
    suppression = SuppressionResource(premises)
    outbox = OutboxAccess(premises.data_dir)
    webhooks = WebhookResource(premises, outbox)
    return (
        WhoseKeyResource(premises),
        KeyResource(premises),
        DomainResource(premises),
        TrackingHostResource(premises),
        TenantResource(premises),
        TopicResource(premises),
        TemplateResource(premises),
        VersionResource(premises),
        TrialResource(premises, sending),
        suppression,
        SuppressionFiles(premises, suppression),
        QueueResource(premises, operator),
        QueueActs(premises, operator),
        AlarmResource(premises, operator),
        AuditResource(premises),
        webhooks,
        DeliveryResource(premises, webhooks, outbox),
        PeopleResource(premises, sessions),
        PasskeyResource(premises, sessions),
    )
