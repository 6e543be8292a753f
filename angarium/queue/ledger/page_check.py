"""What a page must be, whichever queue is to hold it. Pure."""

from collections.abc import Sequence

from angarium.queue.ledger.values import (
    MAX_ASKED_OCTETS,
    MAX_BATCH_ROWS,
    MAX_POSITION_OCTETS,
    LedgerPage,
    NewCampaign,
)
from angarium.queue.model import Submission


def check_page(page: LedgerPage, batch: Sequence[Submission]) -> None:
    """Raises ValueError for what no caller may hand over."""
    if len(page.rows) > MAX_BATCH_ROWS:
        raise ValueError(f"a batch has at most {MAX_BATCH_ROWS} rows")
    if len(page.position) > MAX_POSITION_OCTETS:
        raise ValueError(f"a position has at most {MAX_POSITION_OCTETS} octets")
    if not page.rows and not page.is_last:
        raise ValueError("only the last page may be empty")
    messages = [each.message for each in page.rows if each.message]
    if messages != [each.message_id for each in batch]:
        raise ValueError("the submissions are not those of the rows")
    if any(len(each.envelope.recipients) != 1 for each in batch):
        raise ValueError("a row has one recipient")
    if any(each.message and (each.reason or each.is_suppressed) for each in page.rows):
        raise ValueError("a row that is not sent has no message")


def check_new(new: NewCampaign) -> None:
    """Raises ValueError."""
    if len(new.id) != 16 or len(new.secret) != 16:
        raise ValueError("a campaign's id and secret have 16 octets each")
    if len(new.asked) > MAX_ASKED_OCTETS:
        raise ValueError(f"what is asked has at most {MAX_ASKED_OCTETS} octets")
