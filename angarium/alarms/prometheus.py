"""The alarms as alert rules of Prometheus, for who has one: the same names, levels and times, over the metrics. Pure.

``python -m angarium.alarms.prometheus > packaging/prometheus/angarium.rules.yml``. Alarms of which no
metric has the figure are there by what is evaluated inside (``angarium_alarm_raised``).
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Final

from angarium.alarms.alarm import RUNBOOKS, Alarm, level_text
from angarium.alarms.catalogue import CATALOGUE
from angarium.config.quantity import duration_text

_HEADER: Final = """# Alert rules for Prometheus, made from angarium/alarms/catalogue.py:
#   python -m angarium.alarms.prometheus > packaging/prometheus/angarium.rules.yml
# Levels are those that ship: [[alarm]] in angarium.toml changes what the server evaluates by itself, not this file.
# docs/alarms.md says what each is; the labels alarm and severity are those of the server's own notices.
"""
_SHARE: Final = "100 * sum{by}({some}) / sum{by}({all})"
_BOUNCED: Final = 'angarium_provider_deliveries_total{outcome=~"bounced|expired"}'
_ENDED: Final = 'angarium_provider_deliveries_total{outcome=~"delivered|relayed|bounced|expired"}'
_TAKEN: Final = 'angarium_provider_deliveries_total{outcome=~"delivered|relayed"}'
_TRIED: Final = 'angarium_provider_deliveries_total{outcome=~"delivered|relayed|bounced|deferred"}'
_BY: Final = " by (instance, provider) "


def expression_of(alarm: Alarm) -> str:
    """Return the figure and its level as PromQL; of what no metric has, whether the server has raised it."""
    window = duration_text(alarm.window_s or 0)
    side = "<" if alarm.is_floor else ">"
    figure = _figures(window).get(alarm.name)
    if figure is None:
        return f'sum by (instance) (angarium_alarm_raised{{alarm="{alarm.name}"}}) > 0'
    text = f"({figure}) {side} {alarm.level:g}"
    volume = _volumes(window).get(alarm.name)
    if volume is not None and alarm.minimum is not None:
        text += f"\nand {volume} >= {alarm.minimum}"
    return text


def is_evaluated_inside(alarm: Alarm) -> bool:
    """Whether its rule only passes on what the server has raised, with its own ``for``."""
    return alarm.name not in _figures("1h")


def render() -> str:
    """Return the file."""
    return "\n".join([_HEADER + "groups:", "  - name: angarium", "    rules:", *_rules()]) + "\n"


def _rules() -> Iterator[str]:
    for alarm in CATALOGUE:
        for_s = 0.0 if is_evaluated_inside(alarm) else alarm.for_s
        yield f"      - alert: {_alert_name(alarm.name)}"
        yield "        expr: |-"
        yield from (f"          {line}" for line in expression_of(alarm).splitlines())
        yield f"        for: {duration_text(for_s)}"
        yield "        labels:"
        yield f"          alarm: {alarm.name}"
        yield f"          severity: {alarm.severity}"
        yield "        annotations:"
        yield f"          summary: {_quoted(f'{alarm.about.title} on {{{{ $labels.instance }}}}')}"
        yield f"          description: {_quoted(_description(alarm))}"
        yield f"          runbook: {RUNBOOKS}/{alarm.name}.md"


def _description(alarm: Alarm) -> str:
    if is_evaluated_inside(alarm):
        return f"Raised by the server itself, of {{{{ $value }}}} subjects: postmaster alerts. {alarm.about.why}"
    return (
        f'{alarm.about.figure.capitalize()}: {{{{ $value | printf "%.4g" }}}}. Raised'
        f" {level_text(alarm)}. {alarm.about.why}"
    )


def _alert_name(name: str) -> str:
    return "Angarium" + "".join(each.capitalize() for each in name.split("_"))


def _quoted(text: str) -> str:
    """In YAML's single quotes, in which only they are written twice."""
    return "'" + text.replace("'", "''") + "'"


def _share(some: str, all_: str, window: str, by: str = _BY) -> str:
    return _SHARE.format(
        by=by, some=f"increase({some}[{window}])", all=f"increase({all_}[{window}])"
    )


def _figures(window: str) -> Mapping[str, str]:
    whole = " by (instance) "
    now, before = _succeeded(window), _succeeded("50m", f" offset {window}")
    return {
        "bounce_rate": _share(_BOUNCED, _ENDED, window),
        "delivery_rate": _share(_TAKEN, _ENDED, window),
        "deferral_rate": _share(
            'angarium_provider_deliveries_total{outcome="deferred"}', _TRIED, window
        ),
        "smtp_success_drop": f"100 * (1 - ({now}) / ({before}))",
        "delivery_delay": (
            "histogram_quantile(0.95, sum by (instance, le)"
            f" (rate(angarium_delivery_seconds_bucket[{window}])))"
        ),
        "queue_age": "angarium_queue_oldest_seconds",
        "dns_failing": _share(
            'angarium_dns_lookups_total{result="failed"}',
            'angarium_dns_lookups_total{result=~"answered|failed"}',
            window,
            whole,
        ),
        "disk_full": "angarium_disk_free_bytes < bool angarium_disk_free_limit_bytes",
        "disk_filling": (
            "(angarium_disk_free_bytes - angarium_disk_free_limit_bytes)"
            f" / (-deriv(angarium_disk_free_bytes[{window}]) > 0)"
        ),
        "smart_host_resting": "angarium_smart_hosts_resting",
        "smart_host_quota": (
            "100 * angarium_ses_used_recipients / (angarium_ses_quota_recipients > 0)"
        ),
        "event_lag": "angarium_event_lag_seconds",
        "dead_letters": 'angarium_webhook_deliveries{state="given_up"}',
        "api_latency": (
            "histogram_quantile(0.95, sum by (instance, le)"
            f" (rate(angarium_api_request_seconds_bucket[{window}])))"
        ),
        "api_throttled": (
            f'sum by (instance) (increase(angarium_api_faults_total{{kind=~"rate|quota"}}[{window}]))'
        ),
        "api_errors": (
            f'sum by (instance) (increase(angarium_api_requests_total{{status="5xx"}}[{window}]))'
        ),
        "internal_errors": f"increase(angarium_internal_errors_total[{window}])",
        "certificate_ending": "angarium_certificate_end_timestamp_seconds - time()",
        "domain_failing": 'angarium_domains{health="failed"}',
        "tracking_host_failing": 'angarium_tracking_hosts{state="failed"}',
        "sender_paused": "angarium_paused_senders",
        "address_listed": "angarium_blocklist_listings",
    }


def _volumes(window: str) -> Mapping[str, str]:
    ended = f"sum{_BY}(increase({_ENDED}[{window}]))"
    tried = f"sum{_BY}(increase({_TRIED}[{window}]))"
    return {
        "bounce_rate": ended,
        "delivery_rate": ended,
        "deferral_rate": tried,
        "smtp_success_drop": tried,
        "delivery_delay": f"sum by (instance) (increase(angarium_delivery_seconds_count[{window}]))",
        "dns_failing": (
            "sum by (instance)"
            f' (increase(angarium_dns_lookups_total{{result=~"answered|failed"}}[{window}]))'
        ),
        "api_latency": (
            f"sum by (instance) (increase(angarium_api_request_seconds_count[{window}]))"
        ),
    }


def _succeeded(window: str, offset: str = "") -> str:
    """Return the share of attempts that succeeded, from 0 to 1."""
    some, all_ = (f"sum{_BY}(increase({each}[{window}]{offset}))" for each in (_TAKEN, _TRIED))
    return f"{some} / {all_}"


if __name__ == "__main__":
    sys.stdout.write(render())
