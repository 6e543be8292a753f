"""Mirrors angarium/intake/key_rates.py."""

from angarium.api.rates import LocalRates
from angarium.intake.key_rates import KeyRates
from angarium.queue.model import UnixMs
from angarium.smtp.refusal import Refusal


def test_a_key_has_its_rate_and_who_has_none_is_let_go() -> None:
    now = [UnixMs(1_000_000)]
    find_rate = {"slow": 2, "fast": 1000}.get
    rates = KeyRates(LocalRates(), find_rate, lambda _: 5000, lambda: now[0])
    assert [rates.find_refusal("slow", "shop") for _ in range(2)] == [None, None]
    text = "Over the rate of this key, 2 messages per second; try again"
    assert rates.find_refusal("slow", "shop") == Refusal(451, "4.7.1", text)
    assert [rates.find_refusal("fast", "shop") for _ in range(1000)] == [None] * 1000
    assert [rates.find_refusal("joe", "shop") for _ in range(5000)] == [None] * 5000
    now[0] = UnixMs(1_000_500)
    assert rates.find_refusal("slow", "shop") is None
    assert rates.find_refusal("slow", "shop") is not None


def test_all_keys_of_a_tenant_share_its_rate() -> None:
    rates = KeyRates(
        LocalRates(), lambda _: 2, {"shop": 3, "other": 3}.__getitem__, lambda: UnixMs(5)
    )
    assert [rates.find_refusal(key, "shop") for key in ("a", "b", "c")] == [None] * 3
    text = "Over the rate of this tenant, 3 messages per second; try again"
    assert rates.find_refusal("d", "shop") == Refusal(451, "4.7.1", text)
    assert rates.find_refusal("e", "other") is None
