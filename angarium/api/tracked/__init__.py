"""What strangers' mail programs and browsers fetch from our tracking hosts: pictures and links of tracked mail.

Start with ``site``. It knows tokens and which host is whose; what is made of a fetch is ``tracking.judging``'s, later.
"""
