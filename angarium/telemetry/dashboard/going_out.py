"""Whether mail goes out at all."""

from typing import Final

from angarium.telemetry.dashboard.panel import RATE, Panel, Query, Row, quantiles

_SENT: Final = 'angarium_deliveries_total{outcome=~"delivered|relayed"}'
_ENDED: Final = 'angarium_deliveries_total{outcome=~"delivered|relayed|bounced|expired"}'
GOING_OUT: Final = Row(
    title="Is mail going out?",
    panels=(
        Panel(
            title="Delivered",
            about="Recipients that a host took, or a smart host, a second.",
            unit="cps",
            kind="stat",
            width=4,
            queries=(Query(expr=f"sum(rate({_SENT}{RATE}))"),),
        ),
        Panel(
            title="Accepted",
            about="Recipients of accepted mail a second. More than is delivered for long: the queue grows.",
            unit="cps",
            kind="stat",
            width=4,
            queries=(Query(expr=f"sum(rate(angarium_accepted_recipients_total{RATE}))"),),
        ),
        Panel(
            title="Delivery rate, 1 h",
            about="Of recipients that are over: which part was delivered. Below 95 %: look at the bounces by class.",
            unit="percentunit",
            kind="stat",
            width=4,
            thresholds=(0.98, 0.95),
            falls=True,
            queries=(
                Query(expr=f"sum(increase({_SENT}[1h])) / (sum(increase({_ENDED}[1h])) > 0)"),
            ),
        ),
        Panel(
            title="Replies 2xx",
            about="Of attempts that got a reply: which part was taken. A drop within minutes: look at the providers.",
            unit="percentunit",
            kind="stat",
            width=4,
            thresholds=(0.9, 0.7),
            falls=True,
            queries=(
                Query(
                    expr=f'sum(rate(angarium_attempts_total{{reply="2"}}{RATE}))'
                    f' / (sum(rate(angarium_attempts_total{{reply=~"2|4|5"}}{RATE})) > 0)'
                ),
            ),
        ),
        Panel(
            title="In the queue",
            about="Recipients, held ones too.",
            unit="short",
            kind="stat",
            width=4,
            queries=(Query(expr="sum(angarium_queue_recipients)"),),
        ),
        Panel(
            title="Oldest message",
            about="Its age, from its start if that was put off.",
            unit="s",
            kind="stat",
            width=4,
            queries=(Query(expr="max(angarium_queue_oldest_seconds)"),),
        ),
        Panel(
            title="In and out",
            about="Recipients a second: accepted, and attempts by what became of them.",
            unit="cps",
            width=12,
            queries=(
                Query(
                    expr=f"sum(rate(angarium_accepted_recipients_total{RATE}))", legend="accepted"
                ),
                Query(
                    expr=f"sum by (outcome) (rate(angarium_deliveries_total{RATE}))",
                    legend="{{outcome}}",
                ),
            ),
        ),
        Panel(
            title="Time to delivery",
            about="From acceptance to delivery, of what was delivered.",
            unit="s",
            width=12,
            queries=quantiles("angarium_delivery_seconds"),
        ),
        Panel(
            title="Replies of hosts",
            about="Attempts a second by the first digit of the reply that decided them; none: there was no reply.",
            unit="cps",
            stacked=True,
            queries=(
                Query(
                    expr=f"sum by (reply) (rate(angarium_attempts_total{RATE}))",
                    legend="{{reply}}",
                ),
            ),
        ),
        Panel(
            title="Where attempts fail",
            about="By the stage that decided an attempt that was not taken.",
            unit="cps",
            stacked=True,
            queries=(
                Query(
                    expr=f'sum by (stage) (rate(angarium_attempts_total{{reply!="2"}}{RATE}))',
                    legend="{{stage}}",
                ),
            ),
        ),
        Panel(
            title="Bounces by class",
            about="Recipients given up, by what the last reply meant.",
            unit="cps",
            stacked=True,
            queries=(
                Query(
                    expr=f"sum by (class) (rate(angarium_bounces_total{RATE}))",
                    legend="{{class}}",
                ),
            ),
        ),
    ),
)
