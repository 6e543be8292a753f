"""A day's mail in one letter: figures beside what is usual, where they stand out, and what is different in words.

Start with ``letter``, which writes it; ``gathering`` asks the counters for what it says.
"""
