"""The event catalogue: what can happen to mail, one module per event. All history is a projection of these.

Start with ``catalogue``: the rules, the union, and how an event is written. Pure; knows nothing of LMDB.
"""

from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.address_delisted import AddressDelisted
from angarium.queue.events.address_listed import AddressListed
from angarium.queue.events.attempt_failed import AttemptFailed
from angarium.queue.events.bounced import Bounced
from angarium.queue.events.campaign_changed import CampaignChanged
from angarium.queue.events.campaign_completed import CampaignCompleted
from angarium.queue.events.campaign_started import CampaignStarted
from angarium.queue.events.cancelled import Cancelled
from angarium.queue.events.catalogue import Event, UnknownEvent
from angarium.queue.events.clicked import Clicked
from angarium.queue.events.complained import Complained
from angarium.queue.events.content_shown import ContentShown
from angarium.queue.events.damaged import Damaged
from angarium.queue.events.delivered import Delivered
from angarium.queue.events.domain_failed import DomainFailed
from angarium.queue.events.domain_recovered import DomainRecovered
from angarium.queue.events.domain_verified import DomainVerified
from angarium.queue.events.expired import Expired
from angarium.queue.events.fetched import Fetched
from angarium.queue.events.hold_rule_added import HoldRuleAdded
from angarium.queue.events.hold_rule_removed import HoldRuleRemoved
from angarium.queue.events.in_doubt import InDoubt
from angarium.queue.events.opened import Opened
from angarium.queue.events.operator_held import OperatorHeld
from angarium.queue.events.operator_released import OperatorReleased
from angarium.queue.events.operator_rerouted import OperatorRerouted
from angarium.queue.events.operator_retried import OperatorRetried
from angarium.queue.events.person_erased import PersonErased
from angarium.queue.events.recipient_suppressed import RecipientSuppressed
from angarium.queue.events.relayed import Relayed
from angarium.queue.events.report_bounced import ReportBounced
from angarium.queue.events.report_kept import ReportKept
from angarium.queue.events.report_unmatched import ReportUnmatched
from angarium.queue.events.rescheduled import Rescheduled
from angarium.queue.events.resubscribed import Resubscribed
from angarium.queue.events.rule_ended import RuleEnded
from angarium.queue.events.rule_in_force import RuleInForce
from angarium.queue.events.sender_paused import SenderPaused
from angarium.queue.events.sender_resumed import SenderResumed
from angarium.queue.events.ses_told import SesTold
from angarium.queue.events.skipped import Skipped
from angarium.queue.events.smart_host_back import SmartHostBack
from angarium.queue.events.smart_host_rested import SmartHostRested
from angarium.queue.events.suppression_added import SuppressionAdded
from angarium.queue.events.suppression_removed import SuppressionRemoved
from angarium.queue.events.tracking_host_failed import TrackingHostFailed
from angarium.queue.events.tracking_host_verified import TrackingHostVerified
from angarium.queue.events.unsubscribed import Unsubscribed
from angarium.queue.events.warmup_changed import WarmupChanged
from angarium.queue.events.webhook_disabled import WebhookDisabled

__all__ = [
    "AddressDelisted",
    "AddressListed",
    "AttemptFailed",
    "Bounced",
    "CampaignChanged",
    "CampaignCompleted",
    "CampaignStarted",
    "Cancelled",
    "Clicked",
    "Complained",
    "ContentShown",
    "Damaged",
    "Delivered",
    "DomainFailed",
    "DomainRecovered",
    "DomainVerified",
    "Event",
    "Expired",
    "Fetched",
    "HoldRuleAdded",
    "HoldRuleRemoved",
    "InDoubt",
    "MessageAccepted",
    "Opened",
    "OperatorHeld",
    "OperatorReleased",
    "OperatorRerouted",
    "OperatorRetried",
    "PersonErased",
    "RecipientSuppressed",
    "Relayed",
    "ReportBounced",
    "ReportKept",
    "ReportUnmatched",
    "Rescheduled",
    "Resubscribed",
    "RuleEnded",
    "RuleInForce",
    "SenderPaused",
    "SenderResumed",
    "SesTold",
    "Skipped",
    "SmartHostBack",
    "SmartHostRested",
    "SuppressionAdded",
    "SuppressionRemoved",
    "TrackingHostFailed",
    "TrackingHostVerified",
    "UnknownEvent",
    "Unsubscribed",
    "WarmupChanged",
    "WebhookDisabled",
]
