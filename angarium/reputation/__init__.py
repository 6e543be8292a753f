"""What a sender's standing calls for: how fast, how much, and when to stop. Pure.

Each module is one idea: values and times in, decisions out. Knows nothing of connections, tasks and the queue; the
gates of ``mta.egress.shaping`` ask it.
"""
