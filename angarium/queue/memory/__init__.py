"""The queue in memory: the model that tests hold the one on disk against, under one state machine.

Start with ``spool.MemorySpool``.
"""
