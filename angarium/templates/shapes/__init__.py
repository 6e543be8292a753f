"""HTML and text finished once for all mails that differ in their values alone. Pure.

A *shape* is what a template writes of one way through its conditions and loops, with a gap for each value.
"""
