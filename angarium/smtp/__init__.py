"""SMTP as a protocol, sans-IO: octets and times in, octets and values out.

Start with ``server`` (a session from the server's side) and ``client`` (from the client's); ``envelope`` holds the
values they speak of. This package knows nothing of sockets, clocks, queues or policy: callers pass these in. Modules
are imported by name, so that a process that only delivers loads no server, and the other way round.
"""
