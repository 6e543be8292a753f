"""What changed in a sender's mail, where, since when and likely why, in words: each from a stated test. Pure.

Start with ``looking``, which tests; ``words`` writes what it found. docs/insights.md says the same to who reads them.
"""
