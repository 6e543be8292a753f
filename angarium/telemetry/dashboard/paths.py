"""Providers and the sources that mail for them is sent from."""

from typing import Final

from angarium.telemetry.dashboard.panel import PATH, RATE, Panel, Query, Row

PATHS: Final = Row(
    title="Providers and sources",
    panels=(
        Panel(
            title="Delivered",
            about="Recipients a second that a provider took, by the source that they were sent from.",
            unit="cps",
            width=12,
            queries=(
                Query(
                    expr="sum by (provider, source) (rate(angarium_path_recipients_total"
                    f'{{outcome="delivered",{PATH}}}{RATE}))',
                    legend="{{provider}} {{source}}",
                ),
            ),
        ),
        Panel(
            title="Deferred, of what was answered",
            about="Which part a provider deferred. `postmaster queue summary --by reply` has its words.",
            unit="percentunit",
            width=12,
            queries=(
                Query(
                    expr="sum by (provider, source) (rate(angarium_path_recipients_total"
                    f'{{outcome="deferred",{PATH}}}{RATE}))'
                    " / (sum by (provider, source) (rate(angarium_path_recipients_total"
                    f"{{{PATH}}}{RATE})) > 0)",
                    legend="{{provider}} {{source}}",
                ),
            ),
        ),
        Panel(
            title="Connections, of those allowed",
            about="At 1 the limit of connections is what keeps mail waiting; only while something waits.",
            unit="percentunit",
            queries=(
                Query(
                    expr=f"sum by (provider, source) (angarium_path_connections_open{{{PATH}}})"
                    f" / (sum by (provider, source) (angarium_path_connections_limit{{{PATH}}}) > 0)",
                    legend="{{provider}} {{source}}",
                ),
            ),
        ),
        Panel(
            title="Waiting in memory",
            about="Recipients that are due and wait for their turn; more of them may be on disk only.",
            unit="short",
            queries=(
                Query(
                    expr=f"sum by (provider, source) (angarium_path_waiting_recipients{{{PATH}}})",
                    legend="{{provider}} {{source}}",
                ),
            ),
        ),
        Panel(
            title="Connections that no host took",
            about="A second. `site_unreachable` in the log says why.",
            unit="cps",
            queries=(
                Query(
                    expr="sum by (provider, source) (rate(angarium_path_connections_total"
                    f'{{result="refused",{PATH}}}{RATE}))',
                    legend="{{provider}} {{source}}",
                ),
            ),
        ),
        Panel(
            title="What of our own keeps mail waiting",
            about="How often a limit of ours kept mail that was due, a second, by which.",
            unit="ops",
            queries=(
                Query(
                    expr=f"sum by (gate) (rate(angarium_policy_waits_total{RATE}))",
                    legend="{{gate}}",
                ),
            ),
        ),
        Panel(
            title="In force",
            about="What narrows the configured limits: rules, warm-ups, sources that are out, hold rules.",
            unit="short",
            queries=(
                Query(expr="sum by (kind) (angarium_restrictions_in_force)", legend="{{kind}}"),
                Query(expr="sum by (rule) (angarium_rules_in_force) > 0", legend="rule {{rule}}"),
                Query(expr="sum(angarium_paused_senders)", legend="paused senders"),
            ),
        ),
        Panel(
            title="Warm-ups: used of this hour",
            about="At 1 the source sends no more to the provider within the hour.",
            unit="percentunit",
            queries=(
                Query(
                    expr=f"sum by (provider, source) (angarium_warmup_hour_used_messages{{{PATH}}})"
                    f" / (sum by (provider, source) (angarium_warmup_hour_limit_messages{{{PATH}}}) > 0)",
                    legend="{{provider}} {{source}}",
                ),
            ),
        ),
        Panel(
            title="Reputation",
            about="Our estimate of each source's standing, 0 to 100, and listings on DNS blocklists.",
            unit="short",
            queries=(
                Query(
                    expr='min by (source) (angarium_reputation_score{source=~"$source"})',
                    legend="{{source}}",
                ),
                Query(expr="sum(angarium_blocklist_listings)", legend="listings"),
            ),
        ),
        Panel(
            title="Smart hosts",
            about="Which part of SES's 24 hours is used, and how many smart hosts are left alone.",
            unit="short",
            queries=(
                Query(
                    expr="sum(angarium_ses_used_recipients) / (sum(angarium_ses_quota_recipients) > 0)",
                    legend="SES's quota used",
                ),
                Query(expr="sum(angarium_smart_hosts_resting)", legend="resting"),
            ),
        ),
        Panel(
            title="TLS to hosts",
            about="Attempts that reached a host, by the version of TLS; none: in the clear.",
            unit="cps",
            stacked=True,
            queries=(
                Query(
                    expr=f"sum by (version) (rate(angarium_delivery_tls_total{RATE}))",
                    legend="{{version}}",
                ),
            ),
        ),
    ),
)
