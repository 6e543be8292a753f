"""What the metrics of all processes say, measured for alarms."""

from collections.abc import Iterator, Mapping
from typing import Final

from angarium.alarms.alarm import Alarm
from angarium.alarms.reading import Measured, Reading, p95, plain, share
from angarium.alarms.subject import Subject
from angarium.queue import UnixMs
from angarium.telemetry.metric_values import Growth, MetricValues

# Of samples: these are kept of a look
NAMES: Final = frozenset(
    {
        *("api_requests_total", "api_faults_total", "api_request_seconds_bucket"),
        *("delivery_seconds_bucket", "dns_lookups_total", "internal_errors_total"),
        *("attempts_total", "event_lag_seconds", "webhook_deliveries", "smart_hosts_resting"),
        *("ses_quota_recipients", "ses_used_recipients", "certificate_end_timestamp_seconds"),
        "issued_certificate_end_timestamp_seconds",
    }
)
# Of ``intake.order.FaultKind``: what 429 answers
_THROTTLED: Final = ("rate", "quota")
_SES: Final = Subject(kind="way", name="ses")


def measure_metrics(
    values: MetricValues, growth: Growth, alarms: Mapping[str, Alarm], now: UnixMs
) -> Iterator[tuple[str, Measured]]:
    """Yield what was measured; an alarm whose metrics are not there yet is left out."""
    for name, alarm in alarms.items():
        window_s = alarm.window_s or 0.0
        reading = _counted(name, alarm, growth, window_s)
        if reading is not None:
            yield name, Measured(readings=[reading], is_whole=growth.reaches(window_s))
        elif (readings := _now(name, values, now)) is not None:
            yield name, Measured(readings=readings)


def _counted(name: str, alarm: Alarm, growth: Growth, window_s: float) -> Reading | None:
    match name:
        case "api_throttled":
            refused = [growth.of("api_faults_total", window_s, kind=each) for each in _THROTTLED]
            return plain(sum(refused))
        case "api_errors":
            return plain(growth.of("api_requests_total", window_s, status="5xx"))
        case "internal_errors":
            return plain(growth.of("internal_errors_total", window_s))
        case "api_latency":
            return p95(*growth.buckets("api_request_seconds", window_s))
        case "delivery_delay":
            return p95(*growth.buckets("delivery_seconds", window_s))
        case "dns_failing":
            failed = round(growth.of("dns_lookups_total", window_s, result="failed"))
            answered = round(growth.of("dns_lookups_total", window_s, result="answered"))
            return share(alarm, failed, failed + answered)
        case _:
            return None


def _now(name: str, values: MetricValues, now: UnixMs) -> list[Reading] | None:
    match name:
        case "event_lag":
            lags = values.by("event_lag_seconds", "consumer")
            return [
                plain(seconds, Subject(kind="consumer", name=each))
                for each, seconds in lags.items()
            ]
        case "dead_letters":
            return _found(values.find("webhook_deliveries", state="given_up"))
        case "smart_host_resting":
            return _found(values.find("smart_hosts_resting"))
        case "smart_host_quota":
            quota, used = values.find("ses_quota_recipients"), values.find("ses_used_recipients")
            if not quota or used is None:
                return []
            return [plain(100.0 * used / quota, _SES, volume=round(used))]
        case "certificate_ending":
            return _certificates(values, now)
        case _:
            return None


def _certificates(values: MetricValues, now: UnixMs) -> list[Reading]:
    ends = values.by("certificate_end_timestamp_seconds", "listener")
    issued = values.find("issued_certificate_end_timestamp_seconds")
    if issued:
        ends["issued to us"] = issued
    return [
        plain(end - now / 1000, Subject(kind="certificate", name=name))
        for name, end in ends.items()
        if end
    ]


def _found(value: float | None) -> list[Reading]:
    return [] if value is None else [plain(value)]
