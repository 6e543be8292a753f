"""Other vendors' HTTP APIs, each a thin translation to orders and back: programs written for them change a base URL.

Start with ``resend.dialect``; the modules beside the vendors' folders hold what they have in common. What a vendor's
request asks for and we lack is refused by its name, never passed over. Knows nothing of how orders are sent.
"""
