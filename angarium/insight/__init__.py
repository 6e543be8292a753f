"""What an operator wants to know, as values: why a message waits, and what is wrong with this machine.

Start with ``explain`` and ``finding``. Knows nothing of the command line that prints it.
"""
