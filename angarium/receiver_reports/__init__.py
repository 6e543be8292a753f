"""What mailbox providers say of our mail as a whole: DMARC aggregates, TLS reports, their own statistics.

Start with ``model``, then ``reading``: octets in, reports or refusals out. ``report_file`` keeps them, ``tables`` adds
them up, ``insights`` says what follows. Knows nothing of HTTP servers and commands.
"""
