"""Mail is looked at before it is sent: what rules, rspamd and clamd say of an order, and what a tenant refuses for it.

Start with ``mail_check`` (all of it, sending nothing) and ``sending_check`` (what is asked while mail is accepted).
"""
