"""Mirrors angarium/service/ingress/observer.py."""

import pytest

from angarium.service.ingress.observer import IngressObserver
from angarium.telemetry.metrics import Metrics


def shown(metrics: Metrics, name: str) -> dict[str, float]:
    lines = metrics.render().decode().splitlines()
    pairs = (each.rsplit(" ", 1) for each in lines if each.startswith(name))
    return {key: float(value) for key, value in pairs if float(value)}


def test_each_reply_counts_once_however_many_lines_it_has() -> None:
    metrics = Metrics()
    observer = IngressObserver(metrics)
    observer.replied(b"250-mx.example.com\r\n250-SIZE 100\r\n250 SMTPUTF8\r\n")
    observer.replied(b"250 2.1.0 Ok\r\n550 5.1.1 No\r\n354 Go on\r\n")
    observer.replied(b"")
    name = "angarium_smtp_replies_total"
    assert shown(metrics, name) == {
        f'{name}{{reply="2"}}': 2.0,
        f'{name}{{reply="3"}}': 1.0,
        f'{name}{{reply="5"}}': 1.0,
    }


@pytest.mark.parametrize(
    ("version", "outcome"),
    [("TLSv1.3", "TLSv1.3"), ("TLSv1.2", "TLSv1.2"), ("TLSv1.4", "other"), ("", "failed")],
)
def test_handshakes_count_by_what_they_came_to(version: str, outcome: str) -> None:
    metrics = Metrics()
    IngressObserver(metrics).handshake(version)
    name = "angarium_smtp_tls_handshakes_total"
    assert shown(metrics, name) == {f'{name}{{outcome="{outcome}"}}': 1.0}
