"""SendGrid's Mail Send API: start with ``dialect.SendGrid``; ``orders`` reads personalizations, one message each."""
