"""What an attempt was decided at: a closed set, so that a slip is a type error. Plain values."""

from typing import TYPE_CHECKING, Literal

from angarium.smtp.client.stage import ClientStage

# resolve: DNS, routes. connect: TCP. internal: a fault of ours.
# "": no attempt was made.
KnownStage = ClientStage | Literal["", "resolve", "connect", "internal"]

if TYPE_CHECKING:
    Stage = KnownStage
else:
    Stage = str  # on disk it is text: one that another version wrote must not break its reader
