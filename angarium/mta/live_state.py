"""How near a recipient is to its host, as only the delivery process knows. Plain values."""

from typing import Literal

# As a message comes nearer to its host
LiveState = Literal[
    "on_disk",  # not read ahead
    "resolving",
    "suspended",  # in memory or on disk; its site took no connection
    "policy",  # in memory; our own policy lets its lane wait
    "waiting",  # in memory, for a place
    "opening",  # in memory or claimed; a connection to its site is being opened
    "claimed",  # its attempt has begun, but is not in a transfer
    "transfer",
]
