"""What every front door does with a message before it is queued.

Start with ``desk``: what a front door asks. ``submission_desk`` answers for SMTP submission, by the rules of
``submission`` (RFC 6409: checks the header against the sender, and builds what is queued). Knows nothing of sessions
and sockets.
"""
