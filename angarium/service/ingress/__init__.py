"""The ingress role: SMTP and HTTP listeners, and their answers to operators."""
