"""Asking the running server: questions and answers on one Unix socket per process, for the command line and HTTP alike.

Start with ``protocol``, then ``client`` and ``questions``. Knows nothing of who answers (``service.admin_socket``).
"""
