"""A dashboard for Grafana: what it shows as data, and the file that is made of it. Start with ``grafana``."""
