"""Where mail goes: domain -> site -> provider -> partition; one answer for ingress, delivery and ``queue explain``.

Start with ``resolver.Resolver`` (asks DNS) and ``partition_finder`` (asks nobody). Knows nothing of connections and
messages.
"""
