"""``bin/demo``: the whole server against the small internet, watched live and checked.

Start with ``demo``. Talks to the server as anyone does: its command, its configuration file, SMTP, its mail log.
"""
