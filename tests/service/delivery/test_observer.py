"""Mirrors angarium/service/delivery/observer.py."""

from typing import Any

import pytest

from angarium.mta.transport.outcome import Scope, Transient
from angarium.queue import Attempt, UnixMs
from angarium.service.delivery import observer as delivery_observer
from angarium.service.delivery.observer import DeliveryObserver
from angarium.telemetry.metrics import Metrics


@pytest.mark.parametrize(
    ("stage", "event", "level"),
    [("connect", "site_unreachable", "info"), ("auth", "login_refused", "error")],
)
def test_a_login_that_is_refused_is_for_somebody_to_act_on(
    monkeypatch: pytest.MonkeyPatch, stage: str, event: str, level: str
) -> None:
    logged: list[tuple[str, str, Any]] = []
    monkeypatch.setattr(
        delivery_observer,
        "log",
        lambda event, level="info", **ids: logged.append((event, level, ids["reply"])),
    )
    attempt = Attempt(
        at=UnixMs(0),
        host="relay.example",
        address="192.0.2.1",
        source="default",
        code=535,
        enhanced="5.7.8",
        text="535 5.7.8 no",
        tls="TLSv1.3",
        stage=stage,
    )
    DeliveryObserver(Metrics()).connection_failed(Transient(attempt, Scope.SITE))
    assert logged == [(event, level, "535 5.7.8 no")]
