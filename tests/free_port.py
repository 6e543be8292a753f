"""A port for a server that must be told its port before it starts."""

import random
import socket

# So that no outgoing connection takes it meanwhile (Linux begins at 32768).
BELOW_EPHEMERAL = range(20_000, 32_000)


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port of ``host`` that is free for TCP and UDP alike."""
    for _ in range(1000):
        port = random.choice(BELOW_EPHEMERAL)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind((host, port))
        except OSError:
            continue
        return port
    raise AssertionError("no port is free")
