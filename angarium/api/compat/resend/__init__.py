"""Resend's API: start with ``dialect.Resend``; ``orders`` reads what is to be sent, ``faults`` says no in its words."""
