"""What is wrong with an order, in the words of the ones that found it. Pure."""

import msgspec

from angarium.content.letter import LetterError
from angarium.intake.order import Fault, FaultKind


def fault_of(error: LetterError, field: str = "") -> Fault:
    """``field``: in what it is, of an order among several: ``messages[2]``."""
    at = f"{field}.{error.field}" if field else error.field
    return Fault(
        kind=FaultKind.INVALID, message=f"{at}: {error.reason}", field=at, constraint="format"
    )


def placed(fault: Fault, at: int, count: int) -> Fault:
    """Return the same fault, of the order ``at`` among ``count``."""
    if count == 1:
        return fault
    place = f"messages[{at}]"
    field = f"{place}.{fault.field}" if fault.field else place
    return msgspec.structs.replace(fault, field=field, message=f"{place}: {fault.message}")
