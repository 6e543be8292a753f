"""Mirrors ``tls_policy`` of angarium/service/delivery/parts.py: each who asks raises the floor, nobody lowers it."""

import msgspec
import pytest

from angarium.config.schema import Delivery
from angarium.routing.resolution import TlsDemand
from angarium.routing.routing import Routing
from angarium.service.delivery.parts import tls_policy
from tests.mta.egress.fakes import site


@pytest.mark.parametrize(
    ("provider", "delivery", "mode"),
    [
        ("opportunistic", "opportunistic", "opportunistic"),
        ("opportunistic", "off", "off"),
        ("required", "opportunistic", "required"),
        ("required", "off", "required"),
    ],
)
def test_the_strictest_of_what_is_written_holds(provider: str, delivery: str, mode: str) -> None:
    settings = msgspec.convert({"tls": delivery}, Delivery)
    assert tls_policy(site(tls=provider), settings).mode == mode


@pytest.mark.parametrize(
    ("demands", "provider", "delivery", "mode"),
    [
        ("verify", "opportunistic", "opportunistic", "verify"),
        ("verify", "required", "off", "verify"),  # nothing that is written lowers it
        ("required", "opportunistic", "off", "required"),
        ("required", "required", "opportunistic", "required"),
    ],
)
def test_what_a_domain_asks_of_its_hosts_is_raised_and_never_lowered(
    demands: TlsDemand, provider: str, delivery: str, mode: str
) -> None:
    settings = msgspec.convert({"tls": delivery}, Delivery)
    to = Routing.demanding(site(tls=provider), demands)
    assert tls_policy(to, settings).mode == mode


@pytest.mark.parametrize("delivery", ["opportunistic", "off"])
def test_a_smart_host_by_smtps_has_tls_before_anything_else(delivery: str) -> None:
    settings = msgspec.convert({"tls": delivery}, Delivery)
    to = msgspec.structs.replace(site(), via="smtps://relay.example")
    assert tls_policy(to, settings).mode == "implicit"
