"""A log that a process has some time to do with; the same each time."""

from tests.history.samples import Log


def log_of_many() -> Log:
    log = Log()
    for number in range(120):
        message_id = log.accept(f"u{number}@example.net", f"v{number}@example.net")
        log.happen("deferred", message_id, 0)
        log.happen("delivered", message_id, number % 2)
        log.happen("bounced", message_id, 1 - number % 2)
    return log
