"""What the platform publishes to processes, each a file that is exchanged whole, as they read it."""

from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from angarium.tenancy.model import TenancySetupError


class _Published(Protocol):
    @property
    def format(self) -> int: ...


T = TypeVar("T", bound=_Published)


def read_published(path: Path, empty: T, *, format_: int, max_octets: int) -> T:
    """Return what is in the file, of the type of ``empty``; where there is none, that. Raises TenancySetupError."""
    try:
        with path.open("rb") as file:
            octets = file.read(max_octets)
    except FileNotFoundError:
        return empty
    except OSError as error:
        raise TenancySetupError(f"{path} cannot be read: {error.strerror}") from None
    try:
        data = msgspec.msgpack.decode(octets, type=type(empty))
    except msgspec.DecodeError as error:
        raise TenancySetupError(f"{path} is damaged ({error}): delete it, and restart") from None
    if data.format != format_:
        raise TenancySetupError(f"{path} is of another Angarium: delete it, and restart")
    return data
