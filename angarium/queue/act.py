"""What an operator does to recipients, and to which it applies. Pure."""

from typing import Final, Literal

Act = Literal["hold", "release", "retry", "cancel"]
# Ids that an act names of what it did; the rest is only counted
IDS_REPORTED: Final = 1000


def applies(act: Act, held: bool) -> bool:
    """Whether the act changes a recipient that is not in flight: what is held is retried only after a release."""
    if act == "release":
        return held
    return act == "cancel" or not held
