"""Which addresses in receivers' reports are ours: of our sources, by their names. Asks the system for its own."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

from angarium.config.schema import Config
from angarium.insight.egress_addresses import egress_addresses

# What addresses are called that no source has
FURTHER: Final = "ours"


def own_sources(config: Config) -> Mapping[str, str]:
    """Return sources' names by their addresses, in canonical form."""
    further = {str(ip_address(each)): FURTHER for each in config.receiver_reports.own_addresses}
    return further | {
        str(ip_address(each.address)): each.source for each in egress_addresses(config)
    }
