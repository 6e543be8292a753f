"""What every submission must be, whichever queue takes it. Pure."""

from angarium.queue.message_id import MAX_INDEX
from angarium.queue.model import Submission
from angarium.queue.reschedule import LAST_MS


def check_submission(submission: Submission, partitions: int) -> None:
    recipients = len(submission.envelope.recipients)
    if len(submission.message_id) != 16:
        raise ValueError("a message id has 16 octets")
    if not 1 <= recipients <= MAX_INDEX + 1:
        raise ValueError(f"a submission has 1 to {MAX_INDEX + 1} recipients, not {recipients}")
    if len(submission.partitions) != recipients:
        raise ValueError("one partition for each recipient")
    if not 0 <= submission.not_before <= LAST_MS or not 0 <= submission.expires <= LAST_MS:
        raise ValueError("a start and an end are before the year 10000")
    if not all(0 <= each < partitions for each in submission.partitions):
        raise ValueError(f"partitions are 0 to {partitions - 1}: {submission.partitions}")
