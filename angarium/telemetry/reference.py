"""Writes docs/metrics.md from the metrics themselves, and says which words may stand in their names and labels.

``python -m angarium.telemetry.reference docs/metrics.md``
"""

import sys
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Final

from angarium.telemetry.maker import PREFIX, Described
from angarium.telemetry.metrics import MAX_SCORES, Metrics
from angarium.telemetry.path_metrics import MAX_PAIRS
from angarium.telemetry.warmup_metrics import MAX_WARMUPS

# What a label says; where its values come from, if the metric does not have them
LABELS: Final[Mapping[str, str]] = {
    "class": "what a reply meant, as [deliverability.md](deliverability.md#what-replies-mean) has it; none has a line"
    " before its first bounce",
    "alarm": "the name of an alarm ([alarms.md](alarms.md))",
    "consumer": "who follows the event log; `other`: the one furthest behind of those that this Angarium does not know",
    "dialect": "of the HTTP API; `none`: what is of no dialect, such as health, metrics and paths that nobody has",
    "end": "how a trace ended",
    "event": "of the event log",
    "gate": "which limit of ours: a key of `[[provider]]`, rules, warm-ups, smart hosts, SES's quota, a source",
    "health": "what a look at a domain's records came to",
    "kind": "what it is",
    "limit": "which limit was met",
    "listener": "the address of a `[[listener]]`, as configured",
    "outcome": "what became of it",
    "phase": "how far a campaign is",
    "process": "a process of the server, such as `ingress-0`; with `--single`: `single`",
    "provider": "a provider, shipped or of `[[provider]]`, the first 64; the rest together as `other`",
    "python": "the version of Python",
    "reason": "why",
    "repair": "what was mended ([submission.md](submission.md))",
    "reply": "the first digit of an SMTP reply; `none`: there was none",
    "result": "what it came to",
    "rule": "a rule, shipped or of `[[rule]]`, the first 200; the rest together as `other` ([rules.md](rules.md))",
    "severity": "of an alarm: `warning` or `critical`",
    "share": "the part of a quota that is used, of 1",
    "source": "an egress source, `[[source]]` or the system's choice",
    "stage": "what was being done: from the DNS look-up to the reply to QUIT; `internal` is a fault of ours",
    "state": "how it is now",
    "status": "the class of an HTTP status",
    "verdict": "whose an open or a click was",
    "version": "of TLS; of `angarium_build_info`: of Angarium",
}
# Base units, as Prometheus has them, and words for what is counted
UNITS: Final[Mapping[str, str]] = {
    "timestamp_seconds": "Unix time",
    "seconds": "seconds",
    "bytes": "bytes",
    "info": "always 1",
    "score": "0 to 100",
    "day": "days",
    "recipients_per_second": "recipients per second",
}
NOUNS: Final = frozenset(
    (
        *(
            "alarm",
            "campaigns",
            "campaigns",
            "connections",
            "domains",
            "entries",
            "events",
            "fetches",
            "files",
        ),
        *(
            "deliveries",
            "force",
            "hosts",
            "listings",
            "lookups",
            "messages",
            "opening",
            "operations",
        ),
        *(
            "recipients",
            "renders",
            "reports",
            "requests",
            "hand",
            "resting",
            "senders",
            "slots",
            "spans",
        ),
        *("alarm", "suppressions", "traces", "use", "workers"),
    )
)
# Behind what is counted: how it is now, or that it is the bound of it
STATES: Final = frozenset(("raised", "open", "waiting", "busy", "limit"))
_HEADER: Final = f"""# Metrics

`GET /metrics` of a listener that serves them ([operations.md](operations.md#health-and-metrics)): Prometheus text, the
sum over all processes. Made from the metrics themselves; [observability.md](observability.md) says how to read them.

Names end in their unit: `_seconds`, `_bytes`, `_timestamp_seconds` (Unix time), else what is counted; counters
in `_total`, and bounds in `_limit`, or `_limit_` and the unit, beside what they bound. Labels have closed sets
of values, or such as the configuration names: never a tenant, an address, a domain or a campaign. A delivery
process shows at most {MAX_PAIRS} pairs of a provider and a source and {MAX_WARMUPS} warm-ups, and the platform
the scores of {MAX_SCORES} sources.

A process that is killed loses what it counted within the last second. What is counted from the event log (mail
that was accepted, deliveries, attempts, bounces, suppressed recipients, fetches and verdicts) counts each event
once, whatever crashes, and goes on over all restarts. The others go on with the next process, and begin at 0
with the next start of the server. `rate()` and `increase()` know of that.
"""


def render() -> str:
    """Return the document."""
    parts = [_HEADER]
    for section, metrics in groupby(Metrics().described, key=lambda each: each.section):
        parts.append(f"## {section}\n")
        parts.append("| metric | type | unit | labels | meaning |\n|---|---|---|---|---|")
        parts += [_row(each) for each in metrics]
        parts.append("")
    parts += ["## Labels\n", "| label | |\n|---|---|"]
    parts += [f"| `{name}` | {text} |" for name, text in LABELS.items()]
    return "\n".join(parts) + "\n"


def unit_of(described: Described) -> str:
    """Return in what the metric is counted. Raises ValueError: its name does not say."""
    name = described.name.removeprefix(PREFIX).removesuffix("_total")
    for suffix, unit in UNITS.items():
        if name == suffix or name.endswith(f"_{suffix}"):
            return unit
    if described.type == "counter":
        return "number"
    words = name.split("_")
    while words and words[-1] in STATES:
        words.pop()
    if words and words[-1] in NOUNS:
        return "number"
    raise ValueError(f"{described.name}: its name ends in no unit and in nothing that is counted")


def _row(metric: Described) -> str:
    labels = "; ".join(
        f"{name}: {', '.join(values)}" if values else name for name, values in metric.labels.items()
    )
    return f"| `{metric.name}` | {metric.type} | {unit_of(metric)} | {labels} | {metric.text} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
