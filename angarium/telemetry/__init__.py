"""What operators see of a running server: JSON logs and metrics. Start with ``log``; knows nothing of mail.

``metrics`` is not imported here: prometheus_client reads PROMETHEUS_MULTIPROC_DIR when it is imported, so the
process role decides when.
"""

from angarium.telemetry.log import log, log_exception, log_ids

__all__ = ["log", "log_exception", "log_ids"]
