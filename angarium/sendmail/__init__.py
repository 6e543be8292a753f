"""The command that programs know as ``sendmail``: it hands a message to the local listener, and keeps none.

Knows nothing of the server but that it speaks SMTP: it starts in a moment, and needs no right to read the server's
files.
"""
