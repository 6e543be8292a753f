"""A mail that came back, taken apart: header fields, parts, texts, addresses, and the forms that reports have. Pure.

Start with ``parts`` (a mail's structure) and ``notice`` (what its words say). Nothing here raises on rubbish: what
cannot be read is absent. Work is bounded by the octets that are looked at, and those are limited (C2, C4).
"""
