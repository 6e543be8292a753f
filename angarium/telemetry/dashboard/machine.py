"""What the server takes of its machine."""

from typing import Final

from angarium.telemetry.dashboard.panel import RATE, Panel, Query, Row, quantiles

MACHINE: Final = Row(
    title="The machine",
    panels=(
        Panel(
            title="Processor",
            about="Seconds a second of each process: at 1 it has a core to itself, and can do no more.",
            unit="short",
            queries=(
                Query(
                    expr=f"sum by (process) (rate(angarium_process_cpu_seconds_total{RATE}))",
                    legend="{{process}}",
                ),
            ),
        ),
        Panel(
            title="Memory",
            about="Of its own; the queue's pages, which the kernel can take back, are left out.",
            unit="bytes",
            queries=(
                Query(
                    expr='sum by (process) (angarium_process_memory_bytes{kind="own"})',
                    legend="{{process}}",
                ),
            ),
        ),
        Panel(
            title="Event loops: late by",
            about="How late a process came back to its event loop, over all processes: above 0.1 s one is overloaded.",
            unit="s",
            queries=quantiles("angarium_event_loop_late_seconds"),
        ),
        Panel(
            title="Disk",
            about="Free, and the mark below which new mail is refused; the queue's file, and what of it is in use.",
            unit="bytes",
            queries=(
                Query(expr="min(angarium_disk_free_bytes)", legend="free"),
                Query(expr="max(angarium_disk_free_limit_bytes)", legend="mark"),
                Query(expr="sum(angarium_queue_file_bytes)", legend="queue's file"),
                Query(expr="sum(angarium_queue_used_bytes)", legend="in use of it"),
            ),
        ),
        Panel(
            title="Open files, of those allowed",
            about="Sockets too. `ulimit -n` of the server, LimitNOFILE of its unit.",
            unit="percentunit",
            queries=(
                Query(
                    expr="sum by (process) (angarium_process_open_files)"
                    " / sum by (process) (angarium_process_open_files_limit)",
                    legend="{{process}}",
                ),
            ),
        ),
        Panel(
            title="DNS",
            about="Look-ups a second by what they came to, and the time of those that were asked.",
            unit="short",
            queries=(
                Query(
                    expr=f"sum by (result) (rate(angarium_dns_lookups_total{RATE}))",
                    legend="{{result}}",
                ),
                Query(
                    expr="histogram_quantile(0.95, sum by (le) (rate(angarium_dns_lookup_seconds_bucket"
                    f"{RATE})))",
                    legend="p95, seconds",
                ),
            ),
        ),
        Panel(
            title="Certificates end",
            about="Of each listener, and the first of those that were issued for tracking hosts.",
            unit="dateTimeFromNow",
            kind="stat",
            queries=(
                Query(
                    expr="min by (listener) (angarium_certificate_end_timestamp_seconds) * 1000",
                    legend="{{listener}}",
                ),
                Query(
                    expr="min(angarium_issued_certificate_end_timestamp_seconds > 0) * 1000",
                    legend="issued",
                ),
            ),
        ),
        Panel(
            title="Faults of ours",
            about="Should stay 0: the log has each with its traceback. Please report it.",
            unit="short",
            kind="stat",
            thresholds=(1, 1),
            queries=(
                Query(
                    expr="sum(increase(angarium_internal_errors_total[1h]))",
                    legend="errors, 1 h",
                ),
                Query(
                    expr="sum(increase(angarium_damaged_recipients_total[1h]))",
                    legend="damaged, 1 h",
                ),
            ),
        ),
        Panel(
            title="What runs",
            about="Versions of Angarium and Python.",
            unit="short",
            kind="stat",
            queries=(
                Query(
                    expr="count by (version, python) (angarium_build_info)",
                    legend="Angarium {{version}}, Python {{python}}",
                ),
            ),
        ),
    ),
)
