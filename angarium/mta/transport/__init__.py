"""Sessions with other hosts: opened, spoken and closed; whatever a peer does comes back as an ``outcome``.

Start with ``transfer`` (the values and protocols) and ``connector``. Knows nothing of what waits to be sent.
"""
