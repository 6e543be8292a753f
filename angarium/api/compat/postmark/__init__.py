"""Postmark's API: start with ``dialect.Postmark``; ``orders`` reads what is to be sent, ``words`` has its sentences."""
