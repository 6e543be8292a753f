"""What changed in a sender's mail, where, since when and likely why, in words: each from a stated test.

Start with ``looking``, which tests; ``words`` writes what it found, and ``asking`` asks the counters for both.
docs/insights.md says the same to who reads them.
"""
