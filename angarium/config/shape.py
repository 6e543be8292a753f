"""What tables of the configuration are made of: their base, and the kinds of value that keys take."""

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1, le=2**48)]
# "5d", "20m", "1h30m", or a number of seconds; at most ten years
Seconds = Annotated[float, msgspec.Meta(gt=0, le=315_360_000, extra={"quantity": "duration"})]
SecondsOrNone = Annotated[float, msgspec.Meta(ge=0, le=315_360_000, extra={"quantity": "duration"})]
# "100/s", "10/min", "500/h", "2000/d burst 50", or "unlimited"
RateText = Annotated[str, msgspec.Meta(extra={"quantity": "rate"})]
# "64MB", "256MiB", or a number of octets
Octets = Annotated[int, msgspec.Meta(ge=1, le=2**48, extra={"quantity": "size"})]
# With less, not one mail is made
ProcessOctets = Annotated[int, msgspec.Meta(ge=2**24, le=2**48, extra={"quantity": "size"})]
OctetsOrNone = Annotated[int, msgspec.Meta(ge=0, le=2**48, extra={"quantity": "size"})]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Few = Annotated[int, msgspec.Meta(ge=1, le=256)]  # processes, threads, partitions
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Priority = Annotated[int, msgspec.Meta(ge=1, le=99)]
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
Jitter = Annotated[float, msgspec.Meta(ge=0, lt=1)]
ReplyCode = Annotated[int, msgspec.Meta(ge=400, le=599)]
Times = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Days = Annotated[int, msgspec.Meta(ge=1, le=3650)]
Percent = Annotated[float, msgspec.Meta(gt=0, le=100)]


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Unknown keys are errors; the loader names the nearest known one."""
