"""What a tenant writes once and fills many times: templates, and the mail that comes of them.

Start with ``bundle`` (one version, with all that it needs) and ``rendering`` (what it is filled with, and what comes of
it). Knows nothing of who stores templates, nor of the processes in which they are rendered.
"""
