"""What tenants are told of their mail by HTTP requests to their own servers.

Start with ``happening`` (what is told), ``outbox`` (what is still to be told, on disk) and ``courier`` (who tells it).
``guard`` says where requests may go. Knows nothing of processes, nor of the API that manages endpoints.
"""
