"""Every metric of the server, with its unit and its closed set of labels: never an address or a domain.

Counting on the hot path is an addition to an integer; ``Metrics.flush`` carries it to prometheus_client about once a
second (its own counters cost 3 us each when shared between processes). A killed process loses that second.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from angarium.smtp.repair import Repair
from angarium.telemetry.alarm_metrics import AlarmMetrics
from angarium.telemetry.api_metrics import ApiMetrics
from angarium.telemetry.campaign_metrics import CampaignMetrics
from angarium.telemetry.counted import Counted
from angarium.telemetry.dns_metrics import DnsMetrics
from angarium.telemetry.maker import Described, MetricMaker
from angarium.telemetry.path_metrics import PathMetrics
from angarium.telemetry.process_metrics import ProcessMetrics
from angarium.telemetry.queue_metrics import QueueMetrics
from angarium.telemetry.receiver_metrics import ReceiverMetrics
from angarium.telemetry.rendering_metrics import RenderingMetrics
from angarium.telemetry.room_metrics import RoomMetrics
from angarium.telemetry.shared_files import is_shared
from angarium.telemetry.smtp_metrics import SmtpMetrics
from angarium.telemetry.tracing_metrics import TracingMetrics
from angarium.telemetry.warmup_metrics import WarmupMetrics
from angarium.telemetry.webhook_metrics import WebhookMetrics

REFUSALS: Final = ("syntax", "policy", "auth", "size", "limit", "temporary", "other")
AUTH_RESULTS: Final = ("ok", "failed", "limited")
UNSIGNED: Final = ("no_key", "no_from", "unsignable")
OUTCOMES: Final = (
    "delivered",
    "relayed",
    "deferred",
    "bounced",
    "expired",
    "cancelled",
    "skipped",
    "suppressed",
)
STAGES: Final = (
    *("resolve", "connect", "banner", "ehlo", "helo", "starttls", "auth", "rset", "mail", "rcpt"),
    *("data", "final_dot", "quit", "internal", "other"),
)
REPLY_CLASSES: Final = ("2", "4", "5", "none")
# "other": made by another version of Angarium
REPAIRS: Final = (*Repair, "other")
BLOCKLIST_RESULTS: Final = ("clear", "listed", "unanswered")
DOMAIN_HEALTHS: Final = ("pending", "verified", "failed")
TRACKING_HOST_STATES: Final = ("pending", "reached", "verified", "failed")
# Ours: sources whose score is shown; the command shows all
MAX_SCORES: Final = 100
# "other": an uncommon bounce class
SUPPRESSION_REASONS: Final = (
    *("user_unknown", "moved", "host_unknown", "domain_no_mail", "mailbox_full"),
    *("mailbox_disabled", "complaint", "unsubscribe", "manual", "import", "other"),
)
REPORT_KINDS: Final = (
    *("bounce", "delay", "dsn-success", "arf", "unsubscribe", "auto-reply", "dmarc", "tls-rpt"),
    *("ordinary", "other"),
)
FETCH_KINDS: Final = ("picture", "link", "honeypot")
# memory: more than may be were not on disk yet; repeated: of a copy that had its share
FETCH_LOSSES: Final = ("memory", "repeated")
TRACKING_REFUSALS: Final = ("malformed", "forged", "expired")
SITE_KINDS: Final = ("picture", "link", "honeypot", "leaving", "other")
# Of mta.egress.policy.GATES
POLICY_GATES: Final = (
    *("message_rate", "tenant_message_rate", "connection_rate", "tenant_connections", "rule"),
    *("warm_up", "smart_host", "ses", "source", "other"),
)
TLS_VERSIONS: Final = ("TLSv1.2", "TLSv1.3", "none", "other")
QUOTA_SHARES: Final = ("0.8", "1")
VERDICTS: Final = ("human", "machine", "none")
REPORT_OUTCOMES: Final = ("matched", "unmatched", "kept", "dropped")
LIMITS: Final = (
    *("connections", "client", "timeout", "recipients", "memory_or_disk", "logins", "size"),
    "http_connections",
    "http_in_hand",
)
# slow: the last step has taken over 0.3 s; hanging: all of it over 10 s
OPENING_STATES: Final = ("quick", "slow", "hanging")
# From acceptance to delivery: at once, after the first retries, after days.
DELIVERY_BUCKETS_S: Final = (
    *(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400),
)


class Metrics:
    """All metrics of one process; made once per process. ``registry`` None: prometheus_client's own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the lines, and exist in one process only
        self._registry = registry or CollectorRegistry()
        self._maker = maker = MetricMaker(self._registry)
        self._make_for_clients(maker)
        maker.section = "The HTTP API"
        self.api = ApiMetrics(maker)
        maker.section = "Templates"
        self.rendering = RenderingMetrics(maker)
        maker.section = "Campaigns"
        self.campaigns = CampaignMetrics(maker)
        maker.section = "The queue, its disk and its events"
        self.queue = QueueMetrics(maker)
        self._make_for_delivery(maker)
        maker.section = "Providers and sources"
        self.paths = PathMetrics(maker)
        self._make_for_providers(maker)
        self.warmups = WarmupMetrics(maker)
        maker.section = "DNS of deliveries"
        self.dns = DnsMetrics(maker)
        self._make_for_readers(maker)
        maker.section = "Webhooks"
        self.webhooks = WebhookMetrics(maker)
        maker.section = "Alarms"
        self.alarms = AlarmMetrics(maker)
        self._make_for_names(maker)
        maker.section = "Reports of receivers"
        self.receivers = ReceiverMetrics(maker)
        maker.section = "Traces"
        self.tracing = TracingMetrics(maker)
        maker.section = "Processes"
        self.process = ProcessMetrics(maker)
        self.internal_errors = maker.counter(
            "internal_errors", "Faults of ours, each logged: should stay 0"
        )

    @property
    def described(self) -> Sequence[Described]:
        """All of them, for who reads about them."""
        return self._maker.described

    def _make_for_clients(self, maker: MetricMaker) -> None:
        maker.section = "Mail that comes in"
        self.accepted_messages = maker.counter("accepted_messages", "Messages accepted")
        self.accepted_recipients = maker.counter("accepted_recipients", "Recipients accepted")
        self.accepted_octets = maker.counter("accepted_bytes", "Size of accepted messages")
        self.repairs = maker.counters(
            "repairs", "What was mended of accepted messages", repair=REPAIRS
        )
        self.quotas = maker.gauges(
            "tenants_by_quota_use",
            "Tenants that have used so much of one of their quotas, or more",
            share=QUOTA_SHARES,
        )
        maker.section = "SMTP clients"
        self.connections = maker.counter("connections", "SMTP connections of clients")
        self.connections_open = maker.gauge("connections_open", "SMTP connections of clients, now")
        self.smtp = SmtpMetrics(maker)
        self.refused = maker.counters("refused", "Refusals of commands or messages", kind=REFUSALS)
        self.auth = maker.counters("auth", "Log-ins tried", result=AUTH_RESULTS)
        self.limits = maker.counters(
            "limits", "Times that a limit of a listener was met", limit=LIMITS
        )

    def _make_for_delivery(self, maker: MetricMaker) -> None:
        maker.section = "Mail that goes out"
        self.outcomes = maker.counters(
            "deliveries", "Attempts at recipients by what became of them", outcome=OUTCOMES
        )
        self.attempts = maker.counter_grid(
            "attempts",
            "Attempts by the stage that decided them and the first digit of the reply",
            stage=STAGES,
            reply=REPLY_CLASSES,
        )
        self._bounces = maker.open_counters(
            "bounces", "Recipients that bounced or expired, by what the last reply meant", "class"
        )
        self.delivery_time = maker.distribution(
            "delivery_seconds",
            "From acceptance to delivery or relaying, over all restarts",
            DELIVERY_BUCKETS_S,
        )
        self.tls = maker.counters(
            "delivery_tls",
            "Attempts that reached a host, by the version of TLS; none: in the clear",
            version=TLS_VERSIONS,
        )
        self.suppressed = maker.counters(
            "suppressed_recipients",
            "Recipients not sent to: their address is suppressed",
            reason=SUPPRESSION_REASONS,
        )
        self.unsigned = maker.counters(
            "unsigned_messages",
            "Messages that nobody signed, each time they were to be sent",
            reason=UNSIGNED,
        )
        self.in_doubt = maker.counter(
            "in_doubt", "Recipients tried again though they may have been delivered"
        )
        self.damaged = maker.counter(
            "damaged_recipients",
            "Recipients set aside: damaged on disk, or their content; should stay 0",
        )
        self.delivery_connections = maker.counter(
            "delivery_connections", "Connections opened to hosts"
        )
        self.delivery_connections_failed = maker.counter(
            "delivery_connections_failed", "Connections to hosts that could not be opened"
        )
        self.delivery_connections_open = maker.gauge(
            "delivery_connections_open", "Connections to hosts, now"
        )
        self.delivery_connections_opening = maker.gauges(
            "delivery_connections_opening",
            "Those that are being opened, now; slow: a step took 0.3 s; hanging: all of it 10 s",
            state=OPENING_STATES,
        )
        self.ready = maker.gauge("ready_recipients", "Recipients read ahead of their delivery")
        self.room = RoomMetrics(maker)
        self.policy_waits = maker.counters(
            "policy_waits",
            "How often our own policy kept mail waiting that was due, by what for",
            gate=POLICY_GATES,
        )

    def _make_for_providers(self, maker: MetricMaker) -> None:
        self._provider_outcomes = maker.open_counters(
            "provider_deliveries", "Attempts at recipients by provider", "provider", "outcome"
        )
        self._rules_in_force = maker.open_gauges(
            "rules_in_force",
            "Rules of what providers say that are in force",
            "rule",
            mode="livesum",
        )
        self.paused_senders = maker.gauge(
            "paused_senders", "Tenants and campaigns that are stopped for what became of their mail"
        )
        self._scores = maker.open_gauges(
            "reputation_score", "Our estimate of a source's standing, 0 to 100", "source"
        )
        self.blocklist_listings = maker.gauge(
            "blocklist_listings", "Listings of our addresses and domains, over all DNS blocklists"
        )
        self.blocklist_lookups = maker.counters(
            "blocklist_lookups", "Questions to DNS blocklists", result=BLOCKLIST_RESULTS
        )
        self.smart_hosts_resting = maker.gauge(
            "smart_hosts_resting", "Smart hosts that are left alone, being unwell"
        )
        self.ses_quota = maker.gauge(
            "ses_quota_recipients", "Recipients that SES takes in 24 hours; 0: any number"
        )
        self.ses_used = maker.gauge(
            "ses_used_recipients", "Recipients of the last 24 hours, of all who send by the account"
        )
        self.ses_rate = maker.gauge(
            "ses_recipients_per_second", "Recipients that SES takes a second"
        )

    def _make_for_readers(self, maker: MetricMaker) -> None:
        maker.section = "What comes back"
        self.reports = maker.counter_grid(
            "reports",
            "Mails that came back, by what they are and what became of them",
            kind=REPORT_KINDS,
            outcome=REPORT_OUTCOMES,
        )
        self.reports_waiting = maker.gauge("reports_waiting", "Mails that came back, not read yet")
        self.reports_waiting_octets = maker.gauge("reports_waiting_bytes", "Size of these mails")
        self.reports_oldest = maker.gauge(
            "reports_oldest_seconds", "For how long the first of these mails has waited"
        )
        self.report_limit = maker.gauge(
            "reports_waiting_limit",
            "Mails that may wait; more are refused (feedback.waiting_reports)",
        )
        maker.section = "Tracking"
        self.tracking_requests = maker.counters(
            "tracking_requests",
            "Requests to tracking hosts, by what was asked for",
            kind=SITE_KINDS,
        )
        self.fetches = maker.counters(
            "fetches", "Fetches of what is in tracked mail, by what was fetched", kind=FETCH_KINDS
        )
        self.fetches_waiting = maker.gauge(
            "fetches_waiting", "Fetches that were answered and are not on disk yet"
        )
        self.fetches_lost = maker.counters(
            "fetches_lost",
            "Fetches that were answered and not recorded: 20,000 were not on disk yet (memory), or"
            " 60 of that copy within a minute were there already (repeated)",
            reason=FETCH_LOSSES,
        )
        self.tracking_refused = maker.counters(
            "tracking_refused",
            "Addresses of tracked mail that are no good",
            reason=TRACKING_REFUSALS,
        )
        self.judged = maker.counter_grid(
            "judged_fetches",
            "Opens and clicks by whose they are; none: SES told of it, and nobody has judged",
            event=("opened", "clicked"),
            verdict=VERDICTS,
        )

    def _make_for_names(self, maker: MetricMaker) -> None:
        maker.section = "Domains, hosts and certificates"
        self.domains = maker.gauges("domains", "Sending domains of tenants", health=DOMAIN_HEALTHS)
        self.domain_checks = maker.counter("domain_checks", "Looks at the records of such domains")
        self.tracking_hosts = maker.gauges(
            "tracking_hosts",
            "Tracking hosts, the server's own with them",
            state=TRACKING_HOST_STATES,
        )
        self.certificate_orders = maker.counters(
            "certificate_orders",
            "Certificates ordered of an authority",
            result=("issued", "failed"),
        )
        self.issued_certificate_end = maker.gauge(
            "issued_certificate_end_timestamp_seconds",
            "When the first certificate that was issued to us ends, Unix time; 0: there is none",
        )
        self._certificate_ends = maker.open_gauges(
            "certificate_end_timestamp_seconds",
            "When the certificate that a listener uses ends, Unix time; of processes the first",
            "listener",
        )

    def flush(self) -> None:
        self._maker.flush()

    def families(self) -> Iterable[Metric]:
        """Return what ``render`` writes, as values: milliseconds for each process, which a thread may take."""
        if not is_shared():
            return self._registry.collect()
        collector = MultiProcessCollector(CollectorRegistry())  # type: ignore[no-untyped-call]
        families: Iterable[Metric] = collector.collect()  # type: ignore[no-untyped-call]
        return families

    def render(self) -> bytes:
        """Return the Prometheus text of all processes that share their metrics, or of this one."""
        self.flush()
        if not is_shared():
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    # --- labels that the configuration bounds ---

    def provider_outcome(self, provider: str, outcome: str) -> Counted:
        """Of the one process that counts events, which bounds the providers' names."""
        return Counted(self._provider_outcomes.labels(provider, outcome))

    def bounces(self, bounce_class: str) -> Counted:
        """``bounce_class``: one of angarium.feedback.classes. Of the one process that counts events."""
        return Counted(self._bounces.labels(bounce_class))

    def rules_in_force(self, rule: str) -> Gauge:
        return self._rules_in_force.labels(rule)

    def reputation_score(self, source: str) -> Gauge:
        return self._scores.labels(source)

    def certificate_end(self, listener: str) -> Gauge:
        return self._certificate_ends.labels(listener)
