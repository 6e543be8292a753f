"""The ledger of campaigns: which row of which file became which message, and what came of it. Values and rules. Pure.

Start with ``values``; ``writing`` has the rules of what is written together, for both queues; ``store`` is the protocol
that runners, followers and the API use. Knows nothing of files, templates, and where rows come from.
"""
