"""Questions to Prometheus as Grafana asks them: with its variables filled in."""


def as_asked(expr: str, interval: str = "1m") -> str:
    asked = expr.replace("$__rate_interval", interval)
    for name in ("job", "instance", "provider", "source"):
        asked = asked.replace(f'"${name}"', '".*"')
    assert "$" not in asked, asked
    return asked
