"""What is in the queue."""

from typing import Final

from angarium.telemetry.dashboard.panel import RATE, Panel, Query, Row, quantiles

QUEUE: Final = Row(
    title="The queue",
    panels=(
        Panel(
            title="Recipients by state",
            about="Held ones wait for an operator; in flight: an attempt has begun.",
            unit="short",
            stacked=True,
            queries=(Query(expr="sum by (state) (angarium_queue_recipients)", legend="{{state}}"),),
        ),
        Panel(
            title="Recipients by provider",
            about="Counted every ten seconds; less often where the queue is long.",
            unit="short",
            stacked=True,
            queries=(
                Query(
                    expr='sum by (provider) (angarium_provider_queue_recipients{provider=~"$provider"})',
                    legend="{{provider}}",
                ),
            ),
        ),
        Panel(
            title="Oldest message by provider",
            about="One that grows with the clock: nothing goes there.",
            unit="s",
            queries=(
                Query(
                    expr='max by (provider) (angarium_provider_queue_oldest_seconds{provider=~"$provider"})',
                    legend="{{provider}}",
                ),
            ),
        ),
        Panel(
            title="Commits",
            about="Time of an fsynced commit: a p99 above 0.1 s is a slow disk.",
            unit="s",
            queries=quantiles("angarium_commit_seconds"),
        ),
        Panel(
            title="Operations in one commit",
            about="The more at once, the more an fsync carries.",
            unit="short",
            queries=quantiles("angarium_commit_operations"),
        ),
        Panel(
            title="Set aside, in doubt, suppressed",
            about="Damaged recipients should stay 0. In doubt: tried again though they may have been delivered.",
            unit="cps",
            queries=(
                Query(expr=f"sum(rate(angarium_damaged_recipients_total{RATE}))", legend="damaged"),
                Query(expr=f"sum(rate(angarium_in_doubt_total{RATE}))", legend="in doubt"),
                Query(
                    expr=f"sum by (reason) (rate(angarium_suppressed_recipients_total{RATE}))",
                    legend="suppressed: {{reason}}",
                ),
            ),
        ),
    ),
)
