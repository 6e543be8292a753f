"""Networks from which machines fetch what is in mail: those that ship, and the operator's."""

import functools
import tomllib
from importlib import resources
from typing import Final, Literal

import msgspec

from angarium.config.schema import Tracking

# data_centre: of a cloud; gateway: of who looks through mail for others; apple and relay: of Apple, and of who relays
# for it; google: of Google's own services
NetworkKind = Literal["data_centre", "gateway", "apple", "relay", "google"]
_OPERATORS: Final = "operator"


class MachineNetwork(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str  # whose it is: amazon
    kind: NetworkKind
    networks: tuple[str, ...]


class _Shipped(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    dated: str  # when somebody last looked
    owner: tuple[MachineNetwork, ...]


@functools.cache
def shipped_networks() -> tuple[MachineNetwork, ...]:
    return _shipped().owner


def shipped_networks_date() -> str:
    """Return when the shipped list was last looked through: 2026-07-01."""
    return _shipped().dated


def all_networks(settings: Tracking) -> tuple[MachineNetwork, ...]:
    """Return the shipped ones, then the operator's, which are as a gateway's: nobody reads mail there."""
    own = MachineNetwork(name=_OPERATORS, kind="gateway", networks=settings.machine_networks)
    return (*shipped_networks(), own) if own.networks else shipped_networks()


@functools.cache
def _shipped() -> _Shipped:
    file = resources.files("angarium.config").joinpath("shipped/machine_networks.toml")
    return msgspec.convert(tomllib.loads(file.read_text("utf-8")), _Shipped)
