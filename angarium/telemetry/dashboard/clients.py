"""Clients, and what is done for them."""

from typing import Final

from angarium.telemetry.dashboard.panel import RATE, Panel, Query, Row, quantiles

CLIENTS: Final = Row(
    title="Clients: SMTP and the API",
    panels=(
        Panel(
            title="API requests",
            about="A second, by dialect and the class of the status.",
            unit="reqps",
            stacked=True,
            queries=(
                Query(
                    expr=f"sum by (dialect, status) (rate(angarium_api_requests_total{RATE}))",
                    legend="{{dialect}} {{status}}",
                ),
            ),
        ),
        Panel(
            title="API time to answer",
            about="p95 above 2 s is too long for who waits.",
            unit="s",
            queries=(
                Query(
                    expr="histogram_quantile(0.95, sum by (le, dialect) (rate(angarium_api_request_seconds_bucket"
                    f"{RATE})))",
                    legend="p95 {{dialect}}",
                ),
                *quantiles("angarium_api_request_seconds"),
            ),
        ),
        Panel(
            title="API refusals",
            about="By why; rate: more than the key's or the tenant's requests a second; quota: of a plan.",
            unit="reqps",
            stacked=True,
            queries=(
                Query(
                    expr=f"sum by (kind) (rate(angarium_api_faults_total{RATE}))",
                    legend="{{kind}}",
                ),
            ),
        ),
        Panel(
            title="Replies to SMTP clients",
            about="By their first digit.",
            unit="cps",
            stacked=True,
            queries=(
                Query(
                    expr=f"sum by (reply) (rate(angarium_smtp_replies_total{RATE}))",
                    legend="{{reply}}",
                ),
            ),
        ),
        Panel(
            title="Limits met, log-ins that failed",
            about="Of listeners, a second.",
            unit="cps",
            queries=(
                Query(
                    expr=f"sum by (limit) (rate(angarium_limits_total{RATE}))",
                    legend="{{limit}}",
                ),
                Query(
                    expr=f'sum by (result) (rate(angarium_auth_total{{result!="ok"}}{RATE}))',
                    legend="log-in {{result}}",
                ),
            ),
        ),
        Panel(
            title="How full it is",
            about="Of what there may be: at 1, clients are told to come again.",
            unit="percentunit",
            queries=(
                Query(
                    expr="sum(angarium_connections_open) / sum(angarium_connections_limit)",
                    legend="SMTP connections",
                ),
                Query(
                    expr="sum(angarium_http_connections_open) / sum(angarium_http_connections_limit)",
                    legend="HTTP connections",
                ),
                Query(
                    expr="sum(angarium_smtp_in_flight_bytes) / sum(angarium_smtp_in_flight_limit_bytes)",
                    legend="SMTP mail in memory",
                ),
                Query(
                    expr="sum(angarium_api_in_hand_bytes) / sum(angarium_api_in_hand_limit_bytes)",
                    legend="API bodies in memory",
                ),
                Query(
                    expr="sum(angarium_delivery_in_flight_bytes) / sum(angarium_delivery_in_flight_limit_bytes)",
                    legend="mail being delivered in memory",
                ),
                Query(
                    expr="sum(angarium_ready_recipients) / sum(angarium_ready_recipients_limit)",
                    legend="recipients read ahead",
                ),
                Query(
                    expr="sum(angarium_delivery_connections_open) / sum(angarium_delivery_connections_limit)",
                    legend="connections to hosts",
                ),
            ),
        ),
        Panel(
            title="Templates",
            about="Mails that wait to be rendered, and how long a request took.",
            unit="short",
            queries=(
                Query(expr="sum(angarium_renders_waiting)", legend="waiting"),
                Query(
                    expr="sum(angarium_render_workers_busy) / (sum(angarium_render_workers_limit) > 0)",
                    legend="workers busy, of those allowed",
                ),
                Query(
                    expr=f"sum by (reason) (rate(angarium_render_workers_ended_total{RATE}))",
                    legend="ended: {{reason}}",
                ),
            ),
        ),
        Panel(
            title="Campaigns",
            about="Rows a second, and what of them is in the queue and was not tried yet.",
            unit="short",
            queries=(
                Query(
                    expr=f"sum by (outcome) (rate(angarium_campaign_rows_total{RATE}))",
                    legend="rows {{outcome}}",
                ),
                Query(expr="sum(angarium_campaign_untried_recipients)", legend="not tried yet"),
                Query(expr="sum by (phase) (angarium_campaigns)", legend="campaigns: {{phase}}"),
            ),
        ),
        Panel(
            title="Tenants near a quota",
            about="That have used 80 % of one of their quotas, and all of it.",
            unit="short",
            queries=(
                Query(expr="sum by (share) (angarium_tenants_by_quota_use)", legend="{{share}}"),
            ),
        ),
    ),
)
