"""Metrics of the queue: what is in it, its disk and its file, its event log, and its commits."""

from typing import Final

from angarium.telemetry.maker import MetricMaker

# "other": the one furthest behind of all that this Angarium does not know
EVENT_CONSUMERS: Final = (
    *(
        "mail_log",
        "metrics",
        "standing",
        "complaints",
        "suppression",
        "history",
        "analytics",
        "lake",
        "webhooks",
        "tracking",
        "tracing",
        "campaigns",
        "other",
    ),
)
QUEUE_STATES: Final = ("scheduled", "held", "in_flight")
COMMIT_BUCKETS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
BATCH_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class QueueMetrics:
    """Made once per process, by ``Metrics``. What is no commit is set by the one process that looks."""

    def __init__(self, maker: MetricMaker) -> None:
        self.oldest = maker.gauge(
            "queue_oldest_seconds", "Age of the oldest message; 0: there is none"
        )
        self.recipients = maker.gauges(
            "queue_recipients", "Recipients in the queue", state=QUEUE_STATES
        )
        self.messages = maker.gauge("queue_messages", "Messages in the queue")
        self.file = maker.gauge("queue_file_bytes", "Size of the queue's file")
        self.used = maker.gauge("queue_used_bytes", "What is in use of the queue's file")
        self.map = maker.gauge(
            "queue_map_bytes", "Address space of the queue's file; it doubles when it is full"
        )
        self.readers = maker.gauge(
            "queue_reader_slots", "Slots of readers of the queue's file that were ever in use"
        )
        self.reader_limit = maker.gauge(
            "queue_reader_slots_limit", "Slots of readers of the queue's file that there are"
        )
        self.stale_readers = maker.counter(
            "queue_stale_readers", "Slots that were freed, as their process had been killed"
        )
        self.disk_free = maker.gauge("disk_free_bytes", "What is free on the queue's disk")
        self.disk_mark = maker.gauge(
            "disk_free_limit_bytes",
            "Below so much that is free, new mail is refused (queue.min_free_octets)",
        )
        self.suppressions = maker.gauge(
            "suppressions", "Addresses that nothing is sent to, by scope"
        )
        self.events = maker.gauge("events", "Events kept in the log")
        self.event_limit = maker.gauge(
            "events_limit", "Events that are kept at most, where all have read them"
        )
        self.event_lag = maker.gauges(
            "event_lag_events", "Events that a consumer has not read yet", consumer=EVENT_CONSUMERS
        )
        self.lake_files = maker.gauge("lake_files", "Files of the lake")
        self.lake_size = maker.gauge(
            "lake_bytes", "Size of the lake's files, here or in the bucket"
        )
        self.event_lag_time = maker.gauges(
            "event_lag_seconds",
            "Age of the first event that a consumer has not read yet; 0: it has read all",
            consumer=EVENT_CONSUMERS,
        )
        self.commits = maker.distribution("commit_seconds", "Time of a commit", COMMIT_BUCKETS_S)
        self.batches = maker.distribution(
            "commit_operations", "Operations in one commit", BATCH_BUCKETS
        )

    def observe_commit(self, seconds: float, operations: int) -> None:
        """Called by the process's one committer thread, after each commit."""
        self.commits.observe(seconds)
        self.batches.observe(operations)
