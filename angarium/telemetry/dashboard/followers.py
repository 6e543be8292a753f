"""Who reads events, and what comes back."""

from typing import Final

from angarium.telemetry.dashboard.panel import RATE, Panel, Query, Row

FOLLOWERS: Final = Row(
    title="Events, webhooks, readers",
    panels=(
        Panel(
            title="Event lag",
            about="Age of the first event that a consumer has not read. Above 30 s it is slow, or fails.",
            unit="s",
            queries=(
                Query(
                    expr="max by (consumer) (angarium_event_lag_seconds)",
                    legend="{{consumer}}",
                ),
            ),
        ),
        Panel(
            title="Webhooks: attempts",
            about="A second, by what came of them.",
            unit="cps",
            stacked=True,
            queries=(
                Query(
                    expr=f"sum by (outcome) (rate(angarium_webhook_attempts_total{RATE}))",
                    legend="{{outcome}}",
                ),
            ),
        ),
        Panel(
            title="Webhooks: outbox",
            about="What waits, and dead letters: given up, and to be replayed (`postmaster webhook replay`).",
            unit="short",
            queries=(
                Query(expr="sum by (state) (angarium_webhook_deliveries)", legend="{{state}}"),
                Query(expr="max(angarium_webhook_late_seconds)", legend="late, seconds"),
            ),
        ),
        Panel(
            title="What comes back",
            about="Bounces, complaints and reports a second, by what they are.",
            unit="cps",
            stacked=True,
            queries=(
                Query(
                    expr=f"sum by (kind) (rate(angarium_reports_total{RATE}))",
                    legend="{{kind}}",
                ),
            ),
        ),
        Panel(
            title="Opens and clicks",
            about="A second, by whose they are.",
            unit="cps",
            queries=(
                Query(
                    expr=f"sum by (event, verdict) (rate(angarium_judged_fetches_total{RATE}))",
                    legend="{{event}} {{verdict}}",
                ),
                Query(
                    expr=f"sum by (kind) (rate(angarium_tracking_requests_total{RATE}))",
                    legend="requests: {{kind}}",
                ),
            ),
        ),
        Panel(
            title="Not read yet",
            about="Mails that came back and wait, and fetches that are not on disk.",
            unit="short",
            queries=(
                Query(expr="sum(angarium_reports_waiting)", legend="mails that came back"),
                Query(expr="sum(angarium_fetches_waiting)", legend="fetches"),
                Query(expr="sum(angarium_trace_spans_waiting)", legend="spans of traces"),
                Query(
                    expr=f"sum by (reason) (rate(angarium_fetches_lost_total{RATE}))",
                    legend="fetches lost: {{reason}}",
                ),
            ),
        ),
    ),
)
