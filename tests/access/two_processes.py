"""A listener's clients as two processes see them."""

import os

from angarium.access.client_table import ClientTable, ListenerClients


def two_processes() -> tuple[ListenerClients, ListenerClients]:
    """Each with a mapping of its own, as after an exec."""
    fd = ClientTable.create(listeners=1, processes=2)
    try:
        return ClientTable(fd).at(0, 0), ClientTable(fd).at(0, 1)
    finally:
        os.close(fd)
